/**
 * Links in what a proxied server answers lead back through the proxy (upstream: apimachinery's `util/proxy/transport.go`): `Location`
 * of redirects, and the attributes of HTML that hold one URL.
 */

/** Elements and their attributes with a URL. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

export interface Through {
  /** `/api/v1/namespaces/default/pods/web/proxy` */
  readonly prefix: string;
  /** What the client called us: links with it are ours. */
  readonly host: string;
}

/** Relative links and those to other hosts stay as they are. */
export function rewriteUrl(text: string, { prefix, host }: Through): string {
  const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s.exec(text.trim());
  if (!parts) return text;
  const [, scheme = '', authority = '', path = '', rest = ''] = parts;
  if (scheme !== '' && authority === '') return text; // mailto:, data:
  if ((authority !== '' && authority !== host) || !path.startsWith('/')) return text;
  if (path.startsWith(prefix)) return `${path}${rest}`;
  return `${prefix}${path}${rest}`;
}

/** Comments and the insides of scripts and styles are no markup. */
const PIECES = /<!--[\s\S]*?-->|<(script|style)\b[^>]*>[\s\S]*?<\/\1\s*>|<[A-Za-z][^<>]*>/gi;
const ATTRIBUTE = /([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'=<>`]+)/g;

function rewriteTag(tag: string, through: Through): string {
  const name = /^<([A-Za-z0-9]+)/.exec(tag)?.[1]?.toLowerCase() ?? '';
  const attributes = ATTRIBUTES[name];
  if (!attributes) return tag;
  return tag.replace(ATTRIBUTE, (whole, attribute: string, equals: string, value: string) => {
    if (!attributes.includes(attribute.toLowerCase())) return whole;
    const quote = /^["']/.test(value) ? value.charAt(0) : '';
    const url = quote === '' ? value : value.slice(1, -1);
    return `${attribute}${equals}${quote}${rewriteUrl(url, through)}${quote}`;
  });
}

export function rewriteHtml(html: string, through: Through): string {
  return html.replace(PIECES, piece => {
    if (piece.startsWith('<!--')) return piece;
    const end = piece.indexOf('>') + 1;
    return rewriteTag(piece.slice(0, end), through) + piece.slice(end);
  });
}
