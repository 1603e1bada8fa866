//! A durable run of a component: instantiated once, invoked many times, rebuilt from its oplog wherever it was left.

mod error;
mod instance;

pub use error::WorkerError;

use tokio::sync::OwnedSemaphorePermit;
use witwire_ir::InDoubt;

use crate::executor::Executor;
use crate::interrupt::Interrupter;
use crate::oplog::{
    Completed, FunctionName, IdempotencyKey, Invocation, Invoked, Lease, Outcome, Playback, Status, Step, SuspendReason,
    Wave, WorkerId,
};
use crate::program::Program;
use crate::session::Stop;
use crate::wave;
use instance::{Ended, Running, Waking};

/// A worker that this process runs. Dropping it stops nothing that is recorded: whoever opens it next carries on.
#[derive(Debug)]
pub struct Worker {
    id: WorkerId,
    executor: Executor,
    program: Program,
    status: Status,
    interrupter: Interrupter,
    phase: Phase,
}

/// How far the worker is alive.
#[derive(Debug)]
enum Phase {
    /// Not instantiated.
    Cold(Lease),
    /// Instantiated, its past replayed, ready for an invocation.
    Live(Box<Running>),
    /// In the middle of something. Found by a later call, it means that the call that began it was cancelled, and that the
    /// instance is lost.
    Busy,
}

impl Worker {
    pub(crate) async fn open(executor: Executor, id: &WorkerId, program: Program) -> Result<Self, WorkerError> {
        let lease = executor.store().acquire(id).await?;
        let record = executor.store().worker(id).await?;
        let record = record.ok_or_else(|| crate::oplog::StoreError::NoSuchWorker(id.clone()))?;
        let (id, interrupter) = (id.clone(), Interrupter::default());
        Ok(Self { id, executor, program, status: record.status, interrupter, phase: Phase::Cold(lease) })
    }

    /// The worker's name.
    pub fn id(&self) -> &WorkerId {
        &self.id
    }

    /// What it does.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Lets an interrupter stop this worker, from the next time on that it is instantiated. It is then suspended, as
    /// [`SuspendReason::Interrupted`], until it is resumed.
    #[must_use]
    pub fn interrupted_by(mut self, interrupter: Interrupter) -> Self {
        self.interrupter = interrupter;
        self
    }

    /// Invokes an export, or tells how the invocation with that key ended before.
    ///
    /// The invocation is durable before it begins, and its result before it is returned: called again with the same key, after
    /// whatever happened to this process, it gives the same outcome, and every call of the component is performed once, as
    /// far as its class allows. A trap is an outcome; it ends the worker, whose memory is lost.
    ///
    /// # Errors
    /// [`WorkerError`]; the worker can be opened again, and finishes what it began.
    pub async fn invoke(
        &mut self,
        key: &IdempotencyKey,
        function: &FunctionName,
        arguments: &[Wave],
    ) -> Result<Outcome, WorkerError> {
        let known = self.executor.store().invocation(&self.id, key).await?;
        if known.is_none() {
            self.refuse_if_stopped()?;
        }
        let export = self.program.export(&self.executor, function)?;
        let parsed = wave::parse(&export, arguments);
        let (values, texts) = parsed.map_err(|source| WorkerError::Arguments { function: function.clone(), source })?;
        if let Some(known) = known {
            return self.known(key, known, function, &texts).await;
        }

        self.wake(None, None).await?;
        let mut running = self.take_live()?;
        let invoked = Invoked {
            invocation: running.next_invocation,
            key: key.clone(),
            function: function.clone(),
            arguments: texts,
            component: self.program.digest(),
            irs: self.program.inner.files.iter().map(crate::program::ApiFile::digest).collect(),
        };
        let journal = running.journal();
        journal.append([invoked.clone().into()]);
        journal.set_status(Status::Running);
        journal.durable().await?;
        self.status = Status::Running;
        let ended = running.invoke(&self.executor, &invoked, &values).await;
        self.ended(*running, ended).await
    }

    /// Brings a worker back that is suspended or was left in the middle of an invocation, and finishes that.
    ///
    /// `decision` is what a person says about a call in doubt: whether it is sent again or its outcome stays unknown.
    ///
    /// # Errors
    /// [`WorkerError::Suspended`] where the reason is still there.
    pub async fn resume(&mut self, decision: Option<InDoubt>) -> Result<(), WorkerError> {
        self.resume_within(decision, None).await
    }

    /// Does as [`Worker::resume`] does without a decision, in a turn for which others wait, if there is one. It is given back when the
    /// worker's past is replayed: what is left of its invocation may wait for anything.
    ///
    /// # Errors
    /// Those of [`Worker::resume`].
    pub async fn resume_in_turn(&mut self, turn: Option<OwnedSemaphorePermit>) -> Result<(), WorkerError> {
        self.resume_within(None, turn).await
    }

    async fn resume_within(
        &mut self,
        decision: Option<InDoubt>,
        turn: Option<OwnedSemaphorePermit>,
    ) -> Result<(), WorkerError> {
        if let Status::Failed { detail } = &self.status {
            return Err(WorkerError::Failed { worker: self.id.clone(), detail: detail.clone() });
        }
        self.wake(decision, turn).await?;
        if self.status != Status::Idle {
            let mut running = self.take_live()?;
            running.journal().set_status(Status::Idle);
            running.journal().durable().await?;
            self.status = Status::Idle;
            self.phase = Phase::Live(running);
        }
        Ok(())
    }

    /// An invocation whose key was used before.
    async fn known(
        &mut self,
        key: &IdempotencyKey,
        known: Invocation,
        function: &FunctionName,
        arguments: &[Wave],
    ) -> Result<Outcome, WorkerError> {
        if known.invoked.function != *function || known.invoked.arguments != arguments {
            return Err(WorkerError::KeyReused { key: key.clone(), function: known.invoked.function });
        }
        if let Some(outcome) = known.outcome {
            return Ok(outcome);
        }
        self.refuse_if_stopped()?;
        self.wake(None, None).await?;
        match self.executor.store().invocation(&self.id, key).await? {
            Some(Invocation { outcome: Some(outcome), .. }) => Ok(outcome),
            // Waking finishes what was begun, durably.
            _ => Err(WorkerError::Lost { worker: self.id.clone() }),
        }
    }

    fn refuse_if_stopped(&self) -> Result<(), WorkerError> {
        match &self.status {
            Status::Idle | Status::Running => Ok(()),
            Status::Suspended { reason, detail } => {
                Err(WorkerError::Suspended { worker: self.id.clone(), reason: *reason, detail: detail.clone() })
            }
            Status::Failed { detail } => Err(WorkerError::Failed { worker: self.id.clone(), detail: detail.clone() }),
        }
    }

    fn take_live(&mut self) -> Result<Box<Running>, WorkerError> {
        match std::mem::replace(&mut self.phase, Phase::Busy) {
            Phase::Live(running) => Ok(running),
            other => {
                self.phase = other;
                Err(WorkerError::Lost { worker: self.id.clone() })
            }
        }
    }

    /// Instantiates the worker and replays its past; what was under way is finished, live.
    async fn wake(&mut self, decision: Option<InDoubt>, turn: Option<OwnedSemaphorePermit>) -> Result<(), WorkerError> {
        let lease = match std::mem::replace(&mut self.phase, Phase::Busy) {
            Phase::Cold(lease) => lease,
            Phase::Live(running) => {
                self.phase = Phase::Live(running);
                return Ok(());
            }
            Phase::Busy => return Err(WorkerError::Lost { worker: self.id.clone() }),
        };
        let store = self.executor.store();
        let record = store.worker(&self.id).await?;
        let record = record.ok_or_else(|| crate::oplog::StoreError::NoSuchWorker(self.id.clone()))?;
        let entries = store.read(&self.id, crate::oplog::Ordinal::ZERO).await?;
        let playback = Playback::new(entries)?;
        let waking = Waking { decision, interrupter: self.interrupter.clone(), turn };
        let mut running = match Running::start(&self.executor, &self.program, record, lease, playback, waking).await {
            Ok(running) => Box::new(running),
            Err((journal, stop)) => return Err(self.stopped(*journal, stop).await),
        };
        loop {
            let step = running.session().playback.next_invocation();
            running.session().end_turn();
            let invoked = match step {
                Ok(Step::Replayed(invoked)) => invoked,
                Ok(Step::Live) => break,
                Err(divergence) => {
                    let stop = Ended::Stopped(divergence.into());
                    return self.ended(*running, stop).await.map(|_| ());
                }
            };
            let ended = match self.program.export(&self.executor, &invoked.function) {
                Err(error) => Ended::Impossible(error.to_string()),
                Ok(export) => match wave::parse(&export, &invoked.arguments) {
                    Err(error) => Ended::Impossible(error.to_string()),
                    Ok((values, _)) => running.invoke(&self.executor, &invoked, &values).await,
                },
            };
            self.ended(*running, ended).await?;
            running = match std::mem::replace(&mut self.phase, Phase::Busy) {
                Phase::Live(running) => running,
                other => {
                    self.phase = other;
                    return self.refuse_if_stopped();
                }
            };
        }
        running.session().show_new_output();
        // The process before ended between its last entry and the status.
        if self.status == Status::Running {
            running.journal().set_status(Status::Idle);
            running.journal().durable().await?;
            self.status = Status::Idle;
        }
        self.phase = Phase::Live(running);
        Ok(())
    }

    /// An invocation ended, or was stopped.
    async fn ended(&mut self, mut running: Running, ended: Ended) -> Result<Outcome, WorkerError> {
        let stop = match ended {
            Ended::Completed(completed) => match running.session().playback.complete(&completed) {
                Ok(step) => return self.completed(running, completed, step).await,
                Err(divergence) => divergence.into(),
            },
            Ended::Stopped(stop) => stop,
            Ended::Impossible(problem) => {
                let detail = format!("it cannot be replayed with this component: {problem}");
                let status = Status::Suspended { reason: SuspendReason::Divergence, detail };
                return Err(self.suspend(running.into_journal(), status).await);
            }
        };
        Err(self.stopped(running.into_journal(), stop).await)
    }

    async fn completed(
        &mut self,
        mut running: Running,
        completed: Completed,
        step: Step<Outcome>,
    ) -> Result<Outcome, WorkerError> {
        running.next_invocation = completed.invocation + 1;
        let status = match &completed.outcome {
            Outcome::Returned(_) => Status::Idle,
            Outcome::Trapped(message) => {
                Status::Failed { detail: format!("invocation {} trapped: {message}", completed.invocation) }
            }
        };
        let failed = matches!(status, Status::Failed { .. });
        let journal = running.journal();
        let (outcome, live) = match step {
            Step::Replayed(recorded) => (recorded, false),
            Step::Live => {
                journal.append([completed.clone().into()]);
                (completed.outcome, true)
            }
        };
        if live || failed {
            journal.set_status(status.clone());
            journal.durable().await?;
            self.status = status;
        }
        self.phase = if failed { Phase::Cold(running.into_journal().into_lease()) } else { Phase::Live(Box::new(running)) };
        Ok(outcome)
    }

    /// The guest was stopped by the host. What of it can be decided by a person suspends the worker; the rest goes away with
    /// its cause, and leaves no trace.
    async fn stopped(&mut self, journal: crate::journal::Journal, stop: Stop) -> WorkerError {
        let reason = match &stop {
            Stop::Divergence(_) | Stop::Unusable { .. } => SuspendReason::Divergence,
            Stop::InDoubt { .. } => SuspendReason::InDoubt,
            Stop::Interrupted => SuspendReason::Interrupted,
            Stop::Store(error) => return WorkerError::Store(error.clone()),
            Stop::Random(_) | Stop::Instantiate(_) => {
                self.phase = Phase::Cold(journal.into_lease());
                return WorkerError::Host(stop.to_string());
            }
        };
        self.suspend(journal, Status::Suspended { reason, detail: stop.to_string() }).await
    }

    async fn suspend(&mut self, mut journal: crate::journal::Journal, status: Status) -> WorkerError {
        journal.set_status(status.clone());
        if let Err(error) = journal.durable().await {
            return WorkerError::Store(error);
        }
        self.status = status;
        self.phase = Phase::Cold(journal.into_lease());
        match self.refuse_if_stopped() {
            Err(error) => error,
            Ok(()) => WorkerError::Lost { worker: self.id.clone() },
        }
    }
}
