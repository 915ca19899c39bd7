//! What becomes of uploads that nobody goes on with, and of what a crash left behind.

use relaypacs_domain::UploadId;

use super::{
    UploadError, Uploads,
    active::Phase,
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
            if *processing {
                continue; // `resume` goes on with it
            }
            let active = self.active(*upload).await?;
            let is_over = {
                let mut state = active.state();
                let is_over = state.phase == Phase::Open && now.saturating_sub(state.last) >= self.inner.options.expiry;
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
            let row = self.inner.store.read(move |tx| row::load(tx, upload)).await?;
            if row.is_none_or(|row| !row.state.is_open()) {
                self.release(upload).await?;
            }
        }
        Ok(expired)
    }

    async fn release(&self, upload: UploadId) -> Result<(), UploadError> {
        let parts: Vec<_> = self.inner.buffer.parts(upload).await?.into_iter().map(|part| part.object).collect();
        Ok(self.inner.buffer.release_parts(&parts).await?)
    }
}
