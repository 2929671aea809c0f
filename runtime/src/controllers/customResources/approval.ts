/** Whether a definition in one of the community's groups has been approved (https://github.com/kubernetes/enhancements/pull/1111). */
import type { CustomResourceDefinitionCondition } from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { APPROVED_ANNOTATION, type Approval, PULL_REQUEST } from '../../api/kinds/apiextensions/definitionRules.ts';

const needed = `protected groups must have approval annotation "${APPROVED_ANNOTATION}"`;

const conditions: Readonly<Record<Approval, Omit<CustomResourceDefinitionCondition, 'type'>>> = {
  approved: { status: 'True', reason: 'ApprovedAnnotation', message: 'approved' },
  bypassed: { status: 'False', reason: 'UnapprovedAnnotation', message: 'not approved' },
  missing: { status: 'False', reason: 'MissingAnnotation', message: `${needed}, see ${PULL_REQUEST}` },
  invalid: {
    status: 'False',
    reason: 'InvalidAnnotation',
    message: `${needed} with either a URL or a reason starting with "unapproved", see ${PULL_REQUEST}`,
  },
};

export const approvalCondition = (approval: Approval): CustomResourceDefinitionCondition => ({
  type: 'KubernetesAPIApprovalPolicyConformant',
  ...conditions[approval],
});
