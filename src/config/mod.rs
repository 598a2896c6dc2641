//! Settings: one table of them, and the layers that they come from.
//!
//! ```text
//! flag  over  environment  over  banter.toml  over  default   ─▶ Settings::layered ─▶ Settings
//! ```
//!
//! [`TABLE`] says all that there is to know about a setting; whatever reads, shows or checks
//! settings follows from it. [`Settings::layered`] touches neither files nor the environment. The
//! [`Factory`] makes the engines that settings name.

mod access;
mod context;
mod detectors;
mod duplex;
mod end_models;
mod engines;
mod exchanges;
mod file;
mod find;
mod header;
mod layers;
#[cfg(feature = "mcp")]
mod mcp;
mod models;
#[cfg(feature = "onnx")]
mod networks;
mod notes;
mod providers;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod tools;
mod turn_detection;
mod validation;
mod value;

pub use engines::{EngineError, Factory, StrayAddress};
pub use file::{FileText, Found};
pub use find::{FileError, read, variables};
pub use layers::{Origin, SettingError, Settings};
#[cfg(feature = "mcp")]
pub use mcp::{NamedServer, mcp_servers};
pub use providers::ProviderSetting;
pub use table::{Setting, TABLE};
pub use template::template;
pub use tools::{ToolSetting, ToolSettingError};
pub use value::{Kind, Value};
