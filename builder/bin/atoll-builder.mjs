#!/usr/bin/env node
/** Runs the builder's command line from its sources. */
import { register } from 'tsx/esm/api';

register();
const { main } = await import('../src/cli.ts');
process.exitCode = await main(process.argv.slice(2));
