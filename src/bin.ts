#!/usr/bin/env node
// The command that npm installs. It imports the exporter dynamically, so that an old Node.js does
// not parse it first.
import { setFlagsFromString } from 'node:v8';
// oxlint-disable-next-line import/no-unassigned-import -- it acts before the others are evaluated
import './node-version.ts';

// Container image and systemd unit start node with --max-semi-space-size, which cannot be set at
// run time. This limits the young generation in a similar way.
setFlagsFromString('--semi-space-growth-factor=1');

void import('./main.ts');
