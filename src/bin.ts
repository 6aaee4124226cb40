#!/usr/bin/env node
// The command that npm installs. The exporter is imported dynamically, so that an old Node.js neither parses nor links it.
// oxlint-disable-next-line import/no-unassigned-import -- it acts before the others are evaluated
import './node-version.ts';

void import('./main.ts');
