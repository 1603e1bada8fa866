//! What a component imports of APIs.

use std::collections::BTreeSet;
use std::sync::Arc;

use witwire_ir::container::Bundle;
use witwire_ir::{Api, OperationId};

use crate::executor::Executor;
use crate::link::{self, Target};
use crate::program::{LoadError, uncompiled};

impl Executor {
    /// The APIs of each bundle, cut down to the operations that the component imports; an API of which it imports none is left
    /// out. Every import is compared with its operation, to the last name.
    ///
    /// # Errors
    /// [`LoadError`], with all reasons at once where imports do not fit.
    pub fn imported(&self, wasm: &[u8], bundles: &[Bundle]) -> Result<Vec<Bundle>, LoadError> {
        let engine = &self.inner.engine;
        let (_, component) = engine.compile(wasm).map_err(|e| LoadError::Component(uncompiled(&e)))?;
        let apis: Vec<Arc<Api>> = bundles.iter().flat_map(|b| b.apis.iter().cloned().map(Arc::new)).collect();
        let imports = link::resolve(&engine.wasmtime, &component, &apis)?;
        let mut operations: Vec<BTreeSet<OperationId>> = vec![BTreeSet::new(); apis.len()];
        for function in &imports.functions {
            if let Target::Operation(operation, _) = &function.target {
                operations[function.api].insert(*operation);
            }
        }
        let mut pruned = apis
            .iter()
            .zip(&operations)
            .map(|(api, kept)| (!kept.is_empty()).then(|| api.prune(|id, _| kept.contains(&id))));
        let mut cut = |bundle: &Bundle| Bundle { apis: pruned.by_ref().take(bundle.apis.len()).flatten().collect() };
        Ok(bundles.iter().map(&mut cut).collect())
    }
}
