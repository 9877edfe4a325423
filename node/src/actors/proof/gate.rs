//! Passes: made for a reader of this node, and checked for a provider, which this node is too.

use super::{
    actor::Shell,
    messages::{MakePass, ProofError, ServeVisit},
};
use crate::{
    actors::{
        ask,
        storage::{AccessQuery, Admit, Protected},
    },
    env::{Visit, Work, blocking},
    limits,
    types::{Access, Answer, Pass, PeerId, PlacementId, Refusal, Response, visit},
};
use bytes::Bytes;
use holdfast_proofs::access::{self, Gate, GateError};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that checking a pass is counted as: two milliseconds.
const CHECK: u64 = 1 << 20;

impl Shell {
    /// Proves that the owner of a key is in a list.
    pub(super) async fn make_pass(&self, order: MakePass) -> Result<Bytes, ProofError> {
        let MakePass { ticket, id, provider, visitor, epoch } = order;
        let (scope, request) = visit(&provider, epoch, &id, &visitor);
        let pass = self.prover()?.pass(Visit { ticket, scope, request }).await?;
        Ok(pass.into())
    }

    /// Lets a reader in, or not.
    pub(super) async fn admit(&self, ServeVisit { from, id, pass }: ServeVisit) -> Result<Response, Refusal> {
        let protected = ask(&self.access, AccessQuery(id)).await.map_err(storage_failed)?;
        let protected = protected.ok_or(Refusal::NotFound)?;
        let epoch = protected.epoch;
        match pass {
            Pass::Member(pass) => self.check_member(from, id, &protected, pass).await?,
            Pass::Owner(signed) => {
                let check = move || signed.verify().map_err(|error| Refusal::Invalid(error.to_string()));
                let word = blocking(&*self.common.spawn, Work::Compute { bytes: 0 }, check).await?;
                let for_this = (word.owner, word.placement, word.provider, word.visitor, word.epoch)
                    == (protected.owner, id, self.me, from, epoch);
                if !for_this {
                    return Err(Refusal::Invalid("the owner's word is for another visit".into()));
                }
            }
        }
        if ask(&self.admit, Admit { id, peer: from, epoch }).await {
            Ok(Answer::AccessOpened.into())
        } else {
            Err(Refusal::PassNeeded { epoch })
        }
    }

    async fn check_member(
        &self,
        from: PeerId,
        id: PlacementId,
        protected: &Protected,
        pass: Bytes,
    ) -> Result<(), Refusal> {
        let gate = self.gate().await.map_err(|error| Refusal::Invalid(error.to_string()))?;
        let epoch = protected.epoch;
        let root = match protected.access {
            Access::Root(root) => root,
            Access::Listed(name) => self.lists.root(name, epoch).await?,
        };
        let (scope, request) = visit(&self.me, epoch, &id, &from);
        let check = move || {
            let mut gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
            let (gate, circuit) = &mut *gate;
            let pass = access::Pass::from_bytes(&pass, circuit)
                .map_err(|error| Refusal::Invalid(format!("pass: {error}")))?;
            gate.begin(scope.epoch);
            gate.replace_list(root.0);
            gate.admit(&request, &pass).map_err(|error| match error {
                GateError::Full(_) => Refusal::Busy,
                GateError::Proof(_) => Refusal::NotAMember { root },
                GateError::Replay => Refusal::Invalid(format!("pass: {error}")),
            })
        };
        // Whoever sends many passes waits for them, and takes no more than one of the threads that serve others.
        let _turn = self.checking.lock().await;
        blocking(&*self.common.spawn, Work::Compute { bytes: CHECK }, check).await
    }

    /// The gate, with the circuit that it checks passes of; made when the first pass comes.
    async fn gate(&self) -> Result<SharedGate, ProofError> {
        if let Some(gate) = self.gate.borrow().clone() {
            return Ok(gate);
        }
        let key = self.prover()?.access_key().await?;
        let (scope, _) = visit(&self.me, 0, &PlacementId::from_bytes([0; 32]), &self.me);
        let gate = Gate::new(&key, holdfast_proofs::field::Fr::default(), scope, limits::MAX_GRANTS);
        let gate = Arc::new(Mutex::new((gate, key.circuit)));
        self.gate.replace(Some(gate.clone()));
        Ok(gate)
    }
}

/// The gate of all lists, and its circuit's digest.
pub(super) type SharedGate = Arc<Mutex<(Gate, [u8; 32])>>;

fn storage_failed(error: crate::actors::storage::StorageError) -> Refusal {
    Refusal::Storage(error.to_string())
}
