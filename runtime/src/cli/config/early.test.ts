import { it } from 'node:test';
import { preload } from './early.ts';

it("the sample for V8's code cache is a configuration that is taken", () => preload());
