import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { goJsonError } from './goJson.ts';

const END = 'unexpected end of JSON input';
const at = (char: string, what: string): string => `invalid character '${char}' ${what}`;

describe("what Go says of what is no JSON (encoding/json's scanner)", () => {
  const wrong: readonly (readonly [text: string, said: string])[] = [
    ['', END],
    ['  ', END],
    ['{', END],
    ['{"a"', END],
    ['{"a":', END],
    ['{"a":1', END],
    ['[1', END],
    ['[1,', END],
    ['"x', END],
    ['-', END],
    ['1.', END],
    ['1e', END],
    ['tru', END],
    ['{bad', at('b', 'looking for beginning of object key string')],
    ['{"a":1,}', at('}', 'looking for beginning of object key string')],
    ['{"a" 1}', at('1', 'after object key')],
    ['{"a":1 "b"}', at('"', 'after object key:value pair')],
    ['{"a":1]', at(']', 'after object key:value pair')],
    ['[1,]', at(']', 'looking for beginning of value')],
    ['[1 2]', at('2', 'after array element')],
    ['[}', at('}', 'looking for beginning of value')],
    ['{]', at(']', 'looking for beginning of object key string')],
    ['{}x', at('x', 'after top-level value')],
    ['1 2', at('2', 'after top-level value')],
    ['kind: Pod', at('k', 'looking for beginning of value')],
    ["'a'", at("\\'", 'looking for beginning of value')],
    ['\\', at('\\\\', 'looking for beginning of value')],
    ['\u0001', at('\\x01', 'looking for beginning of value')],
    ['é', at('Ã', 'looking for beginning of value')],
    ['"a\nb"', at('\\n', 'in string literal')],
    ['"a\tb"', at('\\t', 'in string literal')],
    ['"\\x"', at('x', 'in string escape code')],
    ['"\\u12g4"', at('g', 'in \\u hexadecimal character escape')],
    ['-a', at('a', 'in numeric literal')],
    ['01', at('1', 'after top-level value')],
    ['1.x', at('x', 'after decimal point in numeric literal')],
    ['1e+x', at('x', 'in exponent of numeric literal')],
    ['trux', at('x', "in literal true (expecting 'e')")],
    ['[fals]', at(']', "in literal false (expecting 'e')")],
    ['nil', at('i', "in literal null (expecting 'u')")],
    ['+1', at('+', 'looking for beginning of value')],
  ];
  for (const [text, said] of wrong) it(JSON.stringify(text), () => assert.equal(goJsonError(text), said));

  const right = ['1', ' -0.5e+10 ', '{}', '[]', '{"a":[1,{"b":null}],"c":"\\u00e9\\n"} ', 'true', '[false,0]', '"é"'];
  for (const text of right) it(`${text} is JSON`, () => assert.equal(goJsonError(text), ''));
});
