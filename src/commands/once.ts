import { createExporter, type ExporterTools } from './exporter.ts';
import type { Config } from '../config/config.ts';
import { chunksOf } from '../exposition/page.ts';
import { onStopSignal } from './signals.ts';

/** One full pass, printed; resolves to the exit code. Whatever was learned is printed, also where an account failed. */
export async function once(config: Config, tools: ExporterTools): Promise<number> {
  const { log } = tools;
  const exporter = await createExporter(config, tools);
  const stopped = onStopSignal().then(() => undefined);
  const whole = await Promise.race([exporter.pollOnce(), stopped]);
  if (whole === undefined) {
    log.warn('stopped before the pass was complete: nothing is printed');
    await exporter.close();
    return 1;
  }
  const body = await exporter.page.body({ format: 'text', gzip: false, names: undefined });
  for await (const chunk of chunksOf(body)) await write(chunk);
  await exporter.close();
  return whole ? 0 : 1;
}

/** A failure to write ends the process: see main. */
function write(chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(chunk, (error) => {
      if (!error) resolve();
    });
  });
}
