/** The subject of a certification request (PKCS #10, RFC 2986 §4), as much of it as admission asks for. */
import { type Element, elements, tags } from '../../lib/der.ts';

/** id-at-organizationName, 2.5.4.10, as it stands in DER. */
const ORGANIZATION = Buffer.from([0x55, 0x04, 0x0a]);
const BMP_STRING = 0x1e;

/**
 * The `O` of the subject.
 * @param request `spec.request`: base64 of a PEM block CERTIFICATE REQUEST.
 * @throws Error when it is no such thing.
 */
export function organizationsOfRequest(request: string): string[] {
  const text = Buffer.from(request, 'base64').toString('latin1');
  const [, body] = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]+?)-----END/.exec(text) ?? [];
  if (body === undefined) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const [whole] = elements(Buffer.from(body, 'base64'));
  const [info] = inside(whole);
  const [, subject] = inside(info); // version, subject, public key, attributes
  return inside(subject)
    .flatMap(inside)
    .flatMap(attribute => {
      const [type, value] = inside(attribute);
      return type?.content.equals(ORGANIZATION) && value ? [textOf(value)] : [];
    });
}

function inside(element: Element | undefined): Element[] {
  if (!element || (element.tag !== tags.sequence && element.tag !== tags.set))
    throw new Error('asn1: structure error: sequence expected');
  return elements(element.content);
}

/** UTF8String, PrintableString and the like; BMPString has two bytes a letter. */
const textOf = ({ tag, content }: Element): string =>
  tag === BMP_STRING ? Buffer.from(content).swap16().toString('utf16le') : content.toString('utf8');
