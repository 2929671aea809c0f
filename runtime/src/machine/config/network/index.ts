/** `network-config`: what it may say, what must hold of it, and what it becomes. */
export { type RenderedNetwork, renderNetwork } from './render.ts';
export { networkRules } from './rules.ts';
export { type Network, type NetworkDocument, networkShape } from './schema.ts';
