//! The specification of the services.
