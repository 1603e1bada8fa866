//! One method for each request that the server takes.

use std::time::Duration;

use ureq::http::Method;

use super::error::ClientError;
use super::types::{
    ComponentDetails, ComponentSummary, Decision, Ended, Entry, Invocation, NewWorker, Page, Resume, Started, WorkerDetails,
};
use super::{ANSWER, Client, Upload, segment};

impl Client {
    pub(crate) fn components(&self) -> Result<Vec<ComponentSummary>, ClientError> {
        self.get("/v1/components")
    }

    /// A revision, or the newest one.
    pub(crate) fn component(&self, name: &str, revision: Option<u32>) -> Result<ComponentDetails, ClientError> {
        let query = revision.map(|r| format!("?revision={r}")).unwrap_or_default();
        self.get(&format!("/v1/components/{}{query}", segment(name)))
    }

    /// The newest revision; `None` where there is no such component.
    pub(crate) fn current(&self, name: &str) -> Result<Option<ComponentDetails>, ClientError> {
        match self.component(name, None) {
            Ok(details) => Ok(Some(details)),
            Err(error) if error.is("S102") => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn create_component(&self, upload: Upload) -> Result<ComponentSummary, ClientError> {
        self.upload(Method::POST, "/v1/components", upload)
    }

    pub(crate) fn update_component(&self, name: &str, upload: Upload) -> Result<ComponentSummary, ClientError> {
        self.upload(Method::PUT, &format!("/v1/components/{}", segment(name)), upload)
    }

    pub(crate) fn delete_component(&self, name: &str) -> Result<(), ClientError> {
        self.delete(&format!("/v1/components/{}", segment(name)))
    }

    pub(crate) fn workers(&self) -> Result<Vec<WorkerDetails>, ClientError> {
        self.get("/v1/workers")
    }

    pub(crate) fn worker(&self, name: &str) -> Result<WorkerDetails, ClientError> {
        self.get(&worker(name, ""))
    }

    pub(crate) fn create_worker(
        &self,
        name: &str,
        component: &str,
        revision: Option<u32>,
    ) -> Result<WorkerDetails, ClientError> {
        self.post("/v1/workers", &NewWorker { name, component, revision }, Some(ANSWER))
    }

    /// Invokes, and waits for the end: for `within`, or as long as it takes.
    pub(crate) fn invoke(
        &self,
        name: &str,
        invocation: &Invocation,
        within: Option<Duration>,
    ) -> Result<Ended, ClientError> {
        self.post(&worker(name, "/invoke"), invocation, within)
    }

    /// Invokes without waiting. Once this returns, the invocation is kept and will be done.
    pub(crate) fn start(&self, name: &str, invocation: &Invocation) -> Result<Started, ClientError> {
        self.post(&worker(name, "/invocations"), invocation, Some(ANSWER))
    }

    pub(crate) fn interrupt(&self, name: &str) -> Result<WorkerDetails, ClientError> {
        self.post(&worker(name, "/interrupt"), &serde_json::json!({}), Some(ANSWER))
    }

    /// Goes on after a suspension. Waits until the invocation that was suspended has ended.
    pub(crate) fn resume(&self, name: &str, decision: Option<Decision>) -> Result<WorkerDetails, ClientError> {
        self.post(&worker(name, "/resume"), &Resume { decision }, None)
    }

    pub(crate) fn delete_worker(&self, name: &str) -> Result<(), ClientError> {
        self.delete(&worker(name, ""))
    }

    /// The entries from an ordinal on, page by page, up to those that there are now.
    pub(crate) fn oplog(&self, name: &str, from: u64) -> Result<Vec<Entry>, ClientError> {
        let mut entries = Vec::new();
        let mut next = Some(from);
        while let Some(from) = next {
            let page: Page = self.get(&worker(name, &format!("/oplog?from={from}")))?;
            entries.extend(page.entries);
            // A page that does not lead on would be asked for without end.
            next = page.next.filter(|&n| n > from);
        }
        Ok(entries)
    }
}

fn worker(name: &str, rest: &str) -> String {
    format!("/v1/workers/{}{rest}", segment(name))
}
