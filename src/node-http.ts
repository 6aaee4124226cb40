/**
 * The parts of node:http that the exporter uses. An `import` from node:http evaluates every export,
 * which loads Node's fetch and WebSocket: 14 MB of memory, and 75 ms at the start.
 */
export const { createServer, get, request, validateHeaderValue } = process.getBuiltinModule('node:http');
