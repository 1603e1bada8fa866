//! JSON text from values and back, by the wire map.

use witwire_ir::Api;

use crate::plan::PlanError;

/// The JSON forms of all types.
#[derive(Debug)]
pub(crate) struct Codecs {}

impl Codecs {
    pub(crate) fn new(_api: &Api) -> Result<Self, PlanError> {
        Ok(Self {})
    }
}
