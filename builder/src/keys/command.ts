/** `keys …` of the command line: what is asked is done, and what follows from it is said. */
import { BuildError } from '../errors.ts';
import {
  addAuthority,
  ensureKeys,
  retireAuthorities,
  revokeSigning,
  rotateSigning,
  signingKeys,
  switchAuthority,
} from './keyring.ts';
import { type KeyKind, keyKinds, readRing } from './places.ts';

export const keysHelp = `  keys            make the keys for development and release that are not there yet, and list them
  keys rotate KIND          another signing key of the same authority: nodes take its bundles too
  keys revoke KIND SERIAL   a signing key is known to others: new images refuse what it signed
  keys add-authority KIND   another authority: new images trust both, the old one still signs
  keys switch KIND          the new authority signs: for nodes that run an image with both
  keys retire KIND          new images trust only the authority that signs
`;

const words = ['rotate', 'revoke', 'add-authority', 'switch', 'retire'] as const;
type Word = (typeof words)[number];

async function list(keys: string): Promise<string> {
  let text = `keys in ${keys}\n`;
  for (const kind of keyKinds) {
    const ring = await readRing(keys, kind);
    if (!ring) continue;
    text += `\n${kind}: images trust ${ring.trusted.map(number => `authority ${number}`).join(' and ')}\n`;
    for (const { authority, serial, signs, revoked, expires } of await signingKeys(kind, keys)) {
      const state = revoked ? 'revoked' : signs ? 'signs' : 'kept';
      text += `  authority ${authority}  key ${serial}  ${state.padEnd(7)}  until ${expires}\n`;
    }
  }
  return text;
}

function isWord(word: string): word is Word {
  return (words as readonly string[]).includes(word);
}

function kindOf(word: string, kind: string | undefined): KeyKind {
  const found = keyKinds.find(each => each === kind);
  if (found) return found;
  throw new BuildError('USAGE', `keys ${word} needs to know of which keys: ${keyKinds.join(' or ')}`, {
    hint: `For example \`keys ${word} ${keyKinds[0]}\`.`,
  });
}

async function act(word: Word, kind: KeyKind, serial: string | undefined, keys: string): Promise<string> {
  switch (word) {
    case 'rotate':
      return `key ${await rotateSigning(kind, { keys })} signs ${kind} bundles from now on; the one before it is still good: revoke it if it is lost.`;
    case 'revoke': {
      if (serial === undefined)
        throw new BuildError('USAGE', 'keys revoke needs the serial of the signing key', { hint: 'See `keys`.' });
      const signs = await revokeSigning(kind, serial, { keys });
      return `key ${serial} is revoked in images and bundles' lists made from now on; ${signs} signs.\nBuild an image, make its bundle, and upgrade the nodes with it: until then they take what the key signed.`;
    }
    case 'add-authority':
      return `${kind} images trust authority ${await addAuthority(kind, { keys })} too from now on; the one before it still signs.\nUpgrade every node to such an image, then \`keys switch ${kind}\`.`;
    case 'switch':
      return `authority ${await switchAuthority(kind, { keys })} signs ${kind} bundles from now on.\nNodes whose image does not know it refuse them. When all have a bundle of it, \`keys retire ${kind}\`.`;
    case 'retire':
      return `${kind} images trust authority ${(await retireAuthorities(kind, { keys })).join(', ') || '(none)'} no more from now on.`;
  }
}

/** @returns what to print. @throws BuildError */
export async function keysCommand(argv: readonly string[], keys: string): Promise<string> {
  const [word, kind, serial, ...surplus] = argv;
  if (word === undefined) {
    for (const each of keyKinds) await ensureKeys(each, { keys });
    return list(keys);
  }
  if (!isWord(word))
    throw new BuildError('USAGE', `there is no \`keys ${word}\``, { hint: `There are: ${words.join(', ')}.` });
  if (surplus.length > 0 || (serial !== undefined && word !== 'revoke'))
    throw new BuildError('USAGE', `keys ${word} does not know what to do with ${[serial, ...surplus].join(' ')}`, {
      hint: 'See --help.',
    });
  return `${await act(word, kindOf(word, kind), serial, keys)}\n`;
}
