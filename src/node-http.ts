/**
 * What the exporter uses of node:http. An `import` from node:http reads every export, which loads Node's own fetch and
 * WebSocket: 14 MB of memory and 75 ms at the start.
 */
export const { createServer, get, request, validateHeaderValue } = process.getBuiltinModule('node:http');
