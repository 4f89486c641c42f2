//! Kubeconfigs of a tenant.
