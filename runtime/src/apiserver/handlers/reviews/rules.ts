/** SelfSubjectRulesReview: everything one may do in a namespace, for `kubectl auth can-i --list`. */
import type { SubjectRulesReviewStatus } from '../../../api/generated/types/authorization.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import { badRequest } from '../../../api/status.ts';
import { nodeNameOf } from '../../authorization/node.ts';
import { aggregate, rulesFor } from '../../authorization/rbac.ts';
import type { Context } from '../../context.ts';

export async function rulesStatus({ user, parts }: Context, object: KubeObject): Promise<SubjectRulesReviewStatus> {
  const { namespace = '' } = (object.spec ?? {}) as { namespace?: string };
  if (namespace === '') throw badRequest('no namespace on request');
  const { rules, errors } = await rulesFor(parts.bindings, user, namespace);
  const said = [
    // What a node may read depends on the pods it runs.
    ...(nodeNameOf(user) === undefined ? [] : ['node authorizer does not support user rule resolution']),
    ...(errors.length > 0 ? [aggregate(errors)] : []),
  ];
  return {
    resourceRules: rules.flatMap(({ verbs, apiGroups, resources, resourceNames }) =>
      resources?.length ? [{ verbs, apiGroups, resources, ...(resourceNames ? { resourceNames } : {}) }] : [],
    ),
    nonResourceRules: rules.flatMap(({ verbs, nonResourceURLs }) =>
      nonResourceURLs?.length ? [{ verbs, nonResourceURLs }] : [],
    ),
    incomplete: said.length > 0,
    ...(said.length > 0 ? { evaluationError: aggregate(said) } : {}),
  };
}
