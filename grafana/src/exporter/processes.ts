import type { Section } from '../board/layout.ts';
import { timeseries } from '../panels/timeseries.ts';
import { highest } from '../promql/fold.ts';
import { ofExporter, ofExportersOnly, rate } from '../promql/select.ts';
import { perProcess } from './figures.ts';

export function processes(): Section {
  return {
    title: 'Process',
    shelves: [
      {
        height: 8,
        panels: [
          [
            8,
            timeseries({
              title: 'Memory',
              description:
                'Resident memory, and the JavaScript heap in use. It settles within an hour; a slope over days is a leak: ' +
                'please report it.',
              unit: 'bytes',
              noValue: 'No exporter reports',
              queries: [
                { expr: perProcess('process_resident_memory_bytes'), legend: '{{instance}} resident' },
                { expr: perProcess('nodejs_heap_size_used_bytes'), legend: '{{instance}} heap' },
              ],
            }),
          ],
          [
            8,
            timeseries({
              title: 'CPU',
              description:
                "CPU time per second. A core at 1: the container's limit may be too low for the fleet.",
              unit: 'percentunit',
              noValue: 'No exporter reports',
              queries: [
                {
                  expr: highest('instance', ofExportersOnly(rate(ofExporter('process_cpu_seconds_total')))),
                  legend: '{{instance}}',
                },
              ],
            }),
          ],
          [
            8,
            timeseries({
              title: 'Event loop lag and scrapes',
              description:
                'How late the process gets to its work (99th percentile), and how long Prometheus waits for a scrape. Both in ' +
                'seconds: CPU is short.',
              unit: 's',
              noValue: 'No exporter reports',
              queries: [
                { expr: perProcess('nodejs_eventloop_lag_p99_seconds'), legend: '{{instance}} lag' },
                { expr: perProcess('scrape_duration_seconds'), legend: '{{instance}} scrape' },
              ],
            }),
          ],
        ],
      },
    ],
  };
}
