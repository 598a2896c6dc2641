//! What holds for every protocol.

mod order;

pub(super) use order::Order;
