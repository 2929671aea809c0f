/**
 * SubjectAccessReview, SelfSubjectAccessReview, LocalSubjectAccessReview: may somebody do this?
 * (https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/; validation: upstream `pkg/apis/authorization`)
 */
import type {
  ResourceAttributes,
  SelfSubjectAccessReview,
  SubjectAccessReview,
  SubjectAccessReviewStatus,
} from '../../../api/generated/types/authorization.v1.ts';
import { invalid as invalidField } from '../../../api/kinds/errors.ts';
import type { FieldError } from '../../../api/kinds/kind.ts';
import { invalid } from '../../../api/status.ts';
import type { User } from '../../../lib/exchange.ts';
import type { Attributes } from '../../authorization/authorizer.ts';
import type { Context } from '../../context.ts';
import { readFieldSelector, readLabelSelector, selectorErrors } from './selectors.ts';

export type AccessReview = SubjectAccessReview | SelfSubjectAccessReview;

type Spec = SubjectAccessReview['spec'];

/** @throws StatusError 422 with upstream's causes. */
export async function accessStatus(context: Context, review: AccessReview): Promise<SubjectAccessReviewStatus> {
  const { resource, parts } = context;
  const errors = reviewErrors(resource.resource, review);
  if (errors.length > 0) throw invalid(resource, '', errors);
  const spec = review.spec as Spec;
  const user = resource.resource === 'selfsubjectaccessreviews' ? context.user : subjectOf(spec);
  const { attributes, evaluationErrors } = attributesOf(user, spec);
  const { opinion, reason } = await parts.authorizer.authorize(attributes);
  return {
    allowed: opinion === 'allow',
    ...(opinion === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(evaluationErrors.length > 0 ? { evaluationError: evaluationErrors.join('; ') } : {}),
  };
}

export function reviewErrors(resource: string, review: AccessReview): FieldError[] {
  const errors: FieldError[] = [];
  const spec = (review.spec ?? {}) as Spec;
  const { resourceAttributes: of, nonResourceAttributes: path } = spec;
  const one = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  if (!of === !path) errors.push(invalidField('spec', path, one));
  const isSelf = resource === 'selfsubjectaccessreviews';
  if (!isSelf && !spec.user && !spec.groups?.length) {
    errors.push(invalidField('spec.user', '', 'at least one of user or group must be specified'));
  }
  if (of) errors.push(...selectorErrors(of, 'spec.resourceAttributes'));
  const isLocal = resource === 'localsubjectaccessreviews';
  const { managedFields: _m, namespace, ...metadata } = review.metadata;
  if (Object.keys(metadata).length > 0 || (!isLocal && namespace)) {
    errors.push(
      invalidField('metadata', review.metadata, isLocal ? 'must be empty except for namespace' : 'must be empty'),
    );
  }
  if (isLocal && of && (of.namespace ?? '') !== (namespace ?? '')) {
    errors.push(invalidField('spec.resourceAttributes.namespace', of.namespace ?? '', 'must match metadata.namespace'));
  }
  if (isLocal && path) {
    errors.push(invalidField('spec.nonResourceAttributes', path, 'disallowed on this kind of request'));
  }
  return errors;
}

const subjectOf = ({ user, groups, uid, extra }: Spec): User => ({
  name: user ?? '',
  groups: groups ?? [],
  ...(uid === undefined ? {} : { uid }),
  ...(extra === undefined ? {} : { extra }),
});

function attributesOf(user: User, spec: Spec): { attributes: Attributes; evaluationErrors: string[] } {
  const { resourceAttributes: of, nonResourceAttributes: path } = spec;
  const none = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '', fieldSelector: '' };
  if (!of) {
    const attributes = { ...none, user, isResource: false, verb: path?.verb ?? '', path: path?.path ?? '' };
    return { attributes, evaluationErrors: [] };
  }
  const fields = readFieldSelector(of.fieldSelector);
  const labels = readLabelSelector(of.labelSelector);
  const attributes: Attributes = {
    user,
    isResource: true,
    path: '',
    ...texts(of),
    fieldSelector: fields.text,
  };
  const evaluationErrors = [
    ...ignored('fieldSelector', fields.failed, fields.text !== ''),
    ...ignored('labelSelector', labels.failed, labels.text !== ''),
  ];
  return { attributes, evaluationErrors };
}

const texts = ({ verb, group, version, resource, subresource, namespace, name }: ResourceAttributes) => ({
  verb: verb ?? '',
  group: group ?? '',
  version: version || '*',
  resource: resource ?? '',
  subresource: subresource ?? '',
  namespace: namespace ?? '',
  name: name ?? '',
});

function ignored(what: string, failed: boolean, partially: boolean): string[] {
  if (!failed) return [];
  return [`spec.resourceAttributes.${what} ${partially ? 'partially ' : ''}ignored due to parse error`];
}
