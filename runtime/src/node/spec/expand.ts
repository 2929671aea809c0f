/**
 * `$(NAME)` in commands, arguments and environment values (k8s.io/kubernetes `third_party/forked/golang/expansion`): a name that is
 * not known stays as it is written, `$$` is one `$`.
 */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    const following = text[i + 1];
    if (c !== '$' || following === undefined) {
      out += c;
    } else if (following === '$') {
      out += '$';
      i++;
    } else if (following === '(') {
      const close = text.indexOf(')', i + 2);
      if (close < 0) {
        out += '$(';
        i++;
        continue;
      }
      const name = text.slice(i + 2, close);
      out += lookUp(name) ?? `$(${name})`;
      i = close;
    } else {
      out += c + following;
      i++;
    }
  }
  return out;
}
