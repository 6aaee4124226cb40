#!/usr/bin/env node
// The command that npm installs. The exporter is imported dynamically, so that an old Node.js neither parses nor links it.
import { setFlagsFromString } from 'node:v8';
// oxlint-disable-next-line import/no-unassigned-import -- it acts before the others are evaluated
import './node-version.ts';

// Image and unit start node with --max-semi-space-size, which is too late here. This keeps the same garbage small.
setFlagsFromString('--semi-space-growth-factor=1');

void import('./main.ts');
