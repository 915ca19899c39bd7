//! What becomes of uploads that nobody goes on with, and of what a crash left behind.

use std::sync::Arc;

use relaypacs_domain::UploadId;

use super::{
    UploadError, Uploads,
    active::{Active, Phase},
    row::{self, RowState},
};

impl Uploads {
    /// Gives an upload up that is not complete; its bytes are freed when this answers. The upload is unknown then.
    pub async fn delete(&self, upload: UploadId) -> Result<(), UploadError> {
        let active = self.active(upload).await?;
        {
            let mut state = active.state();
            match state.phase {
                Phase::Open | Phase::Expired => state.phase = Phase::Deleted,
                Phase::Completing | Phase::Finished | Phase::Deleted => state.check_open()?,
            }
        }
        self.inner.store.write(move |tx| row::remove_in(tx, upload)).await?;
        self.release(upload).await?;
        self.forget(upload);
        Ok(())
    }

    /// One round of the clean-up: uploads whose time is over expire, completions that failed are tried again, parts of no upload are released.
    /// Answers how many uploads expired.
    pub async fn sweep(&self) -> Result<usize, UploadError> {
        let unfinished = self.inner.store.read(row::unfinished).await?;
        let now = self.inner.buffer.running_time();
        let mut expired = 0;
        for (upload, processing) in &unfinished {
            let Some(active) = self.active_if_any(*upload).await else { continue };
            let is_over = {
                let mut state = active.state();
                // What is being completed stays, unless the disk lost some of it, and nobody sent that again.
                let goes_on = *processing && state.check_complete(&active.row).is_ok();
                let is_late = now.saturating_sub(state.last) >= self.inner.options.expiry;
                let is_over = state.phase == Phase::Open && is_late && !goes_on;
                if is_over {
                    state.phase = Phase::Expired;
                }
                is_over
            };
            if is_over {
                let upload = *upload;
                self.inner.store.write(move |tx| row::set_state_in(tx, upload, RowState::Expired, None)).await?;
                self.release(upload).await?;
                self.forget(upload);
                expired += 1;
            }
        }
        self.resume().await?;
        for upload in self.inner.buffer.uploads_with_parts().await? {
            let Ok(row) = self.inner.store.read(move |tx| row::load(tx, upload)).await else { continue };
            if row.is_none_or(|row| !row.state.is_open()) {
                self.release(upload).await?;
            }
        }
        Ok(expired)
    }

    /// What is known of an upload. One that cannot be read, or was deleted just now, keeps nobody from the others.
    pub(super) async fn active_if_any(&self, upload: UploadId) -> Option<Arc<Active>> {
        match self.active(upload).await {
            Ok(active) => Some(active),
            Err(UploadError::Unknown) => None,
            Err(error) => {
                tracing::warn!(%upload, %error, "an upload cannot be looked after now");
                None
            }
        }
    }

    async fn release(&self, upload: UploadId) -> Result<(), UploadError> {
        let parts: Vec<_> = self.inner.buffer.parts(upload).await?.into_iter().map(|part| part.object).collect();
        Ok(self.inner.buffer.release_parts(&parts).await?)
    }
}
