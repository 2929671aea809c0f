// The registration API of the aggregation layer (apiregistration.k8s.io/v1), written down here because Debian does not
// package its source. Field names and protobuf numbers: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/api-service-v1/
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ServiceReference names the Service that serves an API group version.
type ServiceReference struct {
	// The service's namespace.
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,1,opt,name=namespace"`
	// The service's name.
	Name string `json:"name,omitempty" protobuf:"bytes,2,opt,name=name"`
	// The service's port, 443 when unset; 1 to 65535.
	// +optional
	Port *int32 `json:"port,omitempty" protobuf:"varint,3,opt,name=port"`
}

// APIServiceSpec says where an API group version is served, and how it ranks among the others.
// Only https is supported.
type APIServiceSpec struct {
	// The service to ask; unset means that this server itself serves the group version.
	// +optional
	Service *ServiceReference `json:"service,omitempty" protobuf:"bytes,1,opt,name=service"`
	// The API group's name.
	Group string `json:"group,omitempty" protobuf:"bytes,2,opt,name=group"`
	// The API version's name, for example "v1".
	Version string `json:"version,omitempty" protobuf:"bytes,3,opt,name=version"`
	// Whether the serving certificate is accepted unverified. Discouraged: use caBundle.
	InsecureSkipTLSVerify bool `json:"insecureSkipTLSVerify,omitempty" protobuf:"varint,4,opt,name=insecureSkipTLSVerify"`
	// PEM certificates that verify the serving certificate.
	// +optional
	// +listType=atomic
	CABundle []byte `json:"caBundle,omitempty" protobuf:"bytes,5,opt,name=caBundle"`
	// The group's rank among groups: higher is preferred by clients. Above 0, below 20000.
	GroupPriorityMinimum int32 `json:"groupPriorityMinimum" protobuf:"varint,7,opt,name=groupPriorityMinimum"`
	// The version's rank within its group: higher is preferred. Above 0, below 1000.
	VersionPriority int32 `json:"versionPriority" protobuf:"varint,8,opt,name=versionPriority"`
}

// +enum
type ConditionStatus string

const (
	ConditionTrue    ConditionStatus = "True"
	ConditionFalse   ConditionStatus = "False"
	ConditionUnknown ConditionStatus = "Unknown"
)

type APIServiceConditionType string

// APIServiceCondition is one aspect of an APIService's state.
type APIServiceCondition struct {
	// The condition's type, for example "Available".
	Type APIServiceConditionType `json:"type" protobuf:"bytes,1,opt,name=type"`
	// True, False or Unknown.
	Status ConditionStatus `json:"status" protobuf:"bytes,2,opt,name=status"`
	// When the condition last changed its status.
	// +optional
	LastTransitionTime metav1.Time `json:"lastTransitionTime,omitempty" protobuf:"bytes,3,opt,name=lastTransitionTime"`
	// One CamelCase word for the last change.
	// +optional
	Reason string `json:"reason,omitempty" protobuf:"bytes,4,opt,name=reason"`
	// The last change in words.
	// +optional
	Message string `json:"message,omitempty" protobuf:"bytes,5,opt,name=message"`
}

// APIServiceStatus is what the aggregator found out about a group version's server.
type APIServiceStatus struct {
	// The current conditions.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []APIServiceCondition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,1,rep,name=conditions"`
}

// +genclient
// +genclient:nonNamespaced

// APIService is one API group version and its server. Its name must be "version.group".
type APIService struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	// Where the group version is served.
	Spec APIServiceSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
	// What was found out about its server.
	Status APIServiceStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// APIServiceList is a list of APIService objects.
type APIServiceList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	// The APIServices.
	Items []APIService `json:"items" protobuf:"bytes,2,rep,name=items"`
}
