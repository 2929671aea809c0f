import type { Rule } from '../types.ts';
import type { NetworkDocument } from './schema.ts';

export const networkRules: readonly Rule<NetworkDocument>[] = [];
