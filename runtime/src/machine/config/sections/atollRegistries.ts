/**
 * `registries`: where images come from besides the registry their name says, in the form of K3s' `registries.yaml`
 * (https://docs.k3s.io/installation/private-registry). Rendered to `/etc/atoll/registries.yaml`, which the agent reads.
 */
import { wrongHost, wrongMirror } from '../../../node/images/registries.ts';
import { boolean, dictionary, field, type Infer, list, mapping, text } from '../shape.ts';
import { absolutePath } from './atollWords.ts';

const host = {
  kind: 'text',
  meaning: 'a host such as registry.example.com:5000, or "*" for all',
  refuse: wrongHost,
} as const;
const secret = text({ secret: true, maxLength: 16_384 });

export const registriesShape = mapping({
  mirrors: field(
    dictionary(
      host,
      mapping({
        endpoint: field(
          list(text({ meaning: 'a URL such as https://mirror.example.com', refuse: wrongMirror }), { maxItems: 16 }),
          'URLs that are tried in this order, before the registry itself',
        ),
        rewrite: field(
          dictionary({ kind: 'text' }, text({})),
          'regular expressions of repositories, and what they become at the mirrors',
          { unsupported: 'not yet: containerd 1.7 does not rewrite names; serve them under the same ones' },
        ),
      }),
    ),
    'by the registry in the name of an image, who is asked instead',
    { examples: [{ 'docker.io': { endpoint: ['https://mirror.example.com:5000'] } }] },
  ),
  configs: field(
    dictionary(
      host,
      mapping({
        auth: field(
          mapping({
            username: field(text({ lenient: true }), 'the user'),
            password: field(secret, 'the password'),
            auth: field(secret, 'user:password in base64, instead of both'),
            identity_token: field(secret, 'a token, instead of both'),
          }),
          'who this node is there',
        ),
        tls: field(
          mapping({
            ca_file: field(absolutePath, 'the authority its certificate is from (PEM)'),
            cert_file: field(absolutePath, 'the certificate this node shows'),
            key_file: field(absolutePath, 'its key'),
            insecure_skip_verify: field(boolean(), 'take any certificate'),
          }),
          'how its certificate is checked',
        ),
      }),
    ),
    'by the host that is asked, mirror or registry: credentials and certificates',
  ),
});
export type RegistriesSection = Infer<typeof registriesShape>;
