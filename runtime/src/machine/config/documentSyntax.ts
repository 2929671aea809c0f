/** What YAML's parser stumbles over, in words for a person: what it is here, and what to do. */
import type { ErrorCode, YAMLError } from 'yaml';
import type { Page } from './tree.ts';
import type { Problem } from './types.ts';

export function syntaxProblem(page: Page, error: YAMLError): Problem {
  const offset = Math.min(error.pos[0], page.text.length);
  const { message, hint, at = offset } = wordsOf(page.text, offset, error);
  return {
    severity: 'error',
    place: page.place(at),
    path: '',
    message,
    ...(hint === undefined ? {} : { hint }),
  };
}

interface Words {
  readonly message: string;
  readonly hint?: string;
  /** Where it is, if it is somewhere else than where the parser gave up. */
  readonly at?: number;
}

const INDENT_HINT = 'what belongs together starts in the same column; indent with spaces';

const byCode: Partial<Record<ErrorCode, Words>> = {
  ALIAS_PROPS: { message: 'an alias (*name) takes no anchor or tag' },
  BAD_ALIAS: { message: 'an anchor or alias has no name', hint: 'put text that starts with "*" or "&" in quotes' },
  BAD_COLLECTION_TYPE: { message: 'a tag does not fit what follows it', hint: 'remove the tag' },
  BAD_DIRECTIVE: {
    message: 'a line that starts with "%" is not known',
    hint: 'put text that starts with "%" in quotes',
  },
  BAD_DQ_ESCAPE: {
    message: 'an escape that double quotes do not know',
    hint: 'write \\\\ for a backslash, or use single quotes',
  },
  BAD_INDENT: { message: 'wrong indentation', hint: INDENT_HINT },
  BAD_PROP_ORDER: { message: 'an anchor or tag stands before the "-" or "?" instead of after it' },
  BLOCK_IN_FLOW: {
    message: 'lines with "-" or "key:" inside of brackets',
    hint: 'close the bracket first, or write the whole as lines',
  },
  KEY_OVER_1024_CHARS: { message: 'a key is longer than 1024 characters' },
  MULTILINE_IMPLICIT_KEY: { message: 'a key goes over several lines', hint: 'is a colon or a quote missing?' },
  MULTIPLE_ANCHORS: { message: 'two anchors (&name) for one value' },
  MULTIPLE_TAGS: { message: 'two tags for one value' },
  TAB_AS_INDENT: { message: 'a tab where the indentation is', hint: 'indent with spaces: YAML takes no tabs' },
  TAG_RESOLVE_FAILED: { message: 'a tag that is not known', hint: 'put text that starts with "!" in quotes' },
  RESOURCE_EXHAUSTION: { message: 'is nested too deep' },
};

function wordsOf(text: string, offset: number, { code, message }: YAMLError): Words {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  const rest = text.slice(offset, offset + 1);
  if (/^[ ]*\t/.test(line) || (rest === '\t' && /^\s*$/.test(line)))
    return { message: 'a tab where the indentation is', hint: 'indent with spaces: YAML takes no tabs' };
  if (code === 'BAD_SCALAR_START')
    return {
      message: `text cannot start with ${rest === '`' ? 'a backquote' : `"${rest}"`}`,
      hint: 'put it in quotes',
    };
  if (code === 'MISSING_CHAR') return missing(message);
  if (code === 'BLOCK_AS_IMPLICIT_KEY') return implicitKey(text, offset, line);
  if (code === 'BAD_INDENT' && /flow/i.test(message))
    return /[\]}]/.test(text.slice(offset))
      ? { message: 'the end of brackets must be indented deeper than the line they start in', hint: INDENT_HINT }
      : { message: 'a bracket is not closed', hint: 'add the missing "]" or "}"' };
  if (code === 'UNEXPECTED_TOKEN' && /["']\s+$/.test(line) && !/[\s\]},:"']/.test(rest))
    return { message: 'text goes on after its closing quote', hint: 'put all of it in quotes' };
  if (/^-\s/.test(text.slice(offset, offset + 2)) && /\S/.test(line))
    return { message: 'a list starts on a line of its own', hint: 'or write it in brackets: [a, b]' };
  if (code === 'UNEXPECTED_TOKEN' || code === 'IMPOSSIBLE') return unexpected(message, rest);
  return byCode[code] ?? { message: 'is not YAML here' };
}

/** A colon where there can be none; the parser stops at what would be the key. */
function implicitKey(text: string, offset: number, line: string): Words {
  const here = text.slice(offset).split('\n', 1)[0] ?? '';
  if (/\S/.test(line) && /:(?:\s|$)/.test(here))
    return {
      message: 'a second ": " in one line',
      hint: 'put text that holds ": " in quotes, or put the mapping on lines of its own',
    };
  if (!/\S/.test(line)) return { message: 'wrong indentation', hint: INDENT_HINT };
  const rest = text.slice(offset + here.length);
  const next = /\n(?:[ \t]*(?:#.*)?\n)*[ \t]*/.exec(rest)?.[0].length ?? 0;
  return {
    message: 'is indented deeper than the line before, as if that went on here',
    hint: INDENT_HINT,
    at: offset + here.length + next,
  };
}

function missing(message: string): Words {
  if (/closing "quote/.test(message)) return { message: 'a double quote is not closed', hint: 'add the missing "' };
  if (/closing 'quote/.test(message))
    return { message: 'a single quote is not closed', hint: "add the missing '; inside of them, ' is written ''" };
  if (/end with a/.test(message)) {
    const bracket = /end with a (.)/.exec(message)?.[1] ?? ']';
    return { message: `a bracket is not closed: "${bracket}" is missing` };
  }
  if (/followed by map values/.test(message))
    return {
      message: 'a line without a colon among keys',
      hint: 'write "key: value"; is there a space after the colon?',
    };
  if (/Missing , /.test(message)) return { message: 'a comma is missing between the values in brackets' };
  if (/Missing space after :/.test(message)) return { message: 'a space is missing after the colon' };
  if (/Sequence item without - /.test(message))
    return { message: 'a line without "-" among the items of a list', hint: INDENT_HINT };
  if (/Comments must be/.test(message))
    return { message: 'a space is missing before "#"', hint: 'put text that holds "#" in quotes' };
  if (/Tags and anchors/.test(message)) return { message: 'a space is missing after an anchor or tag' };
  if (/Block scalar/.test(message)) return { message: 'after "|" or ">" the text starts on the next line' };
  if (/directives-end/.test(message)) return { message: 'a line "---" is missing' };
  return { message: 'something is missing here' };
}

function unexpected(message: string, rest: string): Words {
  if (/Block scalar header/.test(message))
    return {
      message: 'after "|" or ">" the text starts on the next line',
      hint: 'put text that starts with "|" or ">" in quotes',
    };
  const token = /Unexpected (\S+)/.exec(message)?.[1];
  if (rest === '}' || rest === ']') return { message: `"${rest}" closes nothing` };
  if (rest === ',') return { message: 'a comma with nothing before it' };
  if (rest === '@' || rest === '`') return { message: `text cannot start with "${rest}"`, hint: 'put it in quotes' };
  if (rest === '"' || rest === "'")
    return { message: 'text goes on after its closing quote', hint: 'put all of it in quotes' };
  if (token === 'scalar' || token === 'flow-collection' || token === 'alias')
    return { message: 'text where none can be', hint: INDENT_HINT };
  return { message: 'is not YAML here', hint: INDENT_HINT };
}
