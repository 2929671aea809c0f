/**
 * The texts of sets of fields, remembered: objects of a kind and their managers have the same few sets over and over, and a set is
 * often larger than its object. So most objects are read and written without parsing or making the text of one.
 *
 * Always true:
 * - a remembered set is frozen to its leaves: it is part of every object that has it, and nobody may change it;
 * - a text is remembered as it stands, so what is written again is written in the same bytes;
 * - at most two generations of {@link GENERATION_CHARACTERS} are kept; what is used stays.
 */
import type { FieldSet } from './fieldSet.ts';

/** A set takes some four times the memory of its text. */
const GENERATION_CHARACTERS = 128 * 1024;

let young = new Map<string, FieldSet>();
let old = new Map<string, FieldSet>();
let characters = 0;
const texts = new WeakMap<object, string>();

/** The set that a text of ours says: shared. @throws SyntaxError for what is no JSON */
export function setOfText(text: string): FieldSet {
  const known = young.get(text);
  if (known) return known;
  const kept = old.get(text);
  const set = kept ?? frozen(JSON.parse(text) as FieldSet);
  if (text.length > GENERATION_CHARACTERS) return set;
  if (characters + text.length > GENERATION_CHARACTERS) {
    old = young;
    young = new Map();
    characters = 0;
  }
  // A part of a text holds on to the whole of it: what is kept is a copy.
  const own = kept ? (texts.get(set) ?? text) : ` ${text}`.slice(1);
  young.set(own, set);
  characters += text.length;
  texts.set(set, own);
  return set;
}

/** As it is stored and sent. */
export function textOfSet(set: object): string {
  const known = texts.get(set);
  if (known !== undefined) return known;
  const text = JSON.stringify(set);
  texts.set(set, text);
  return text;
}

/** The same set, which nobody can change any more. */
export function frozen(set: FieldSet): FieldSet {
  for (const key in set) {
    const inner = set[key];
    if (inner) frozen(inner);
  }
  return Object.freeze(set);
}
