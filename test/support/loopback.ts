import type { Server } from 'node:net';
import { onTestFinished } from 'vitest';

/** Starts a server on a free port until the test ends. Resolves to the port. */
export async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return address.port;
}
