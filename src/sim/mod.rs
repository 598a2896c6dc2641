//! Whole calls in virtual time: person, devices, network and services, on one thread, the same
//! each time from one seed.
