//! The DICOM wire: associations, DIMSE, header facts, file meta. Gives bytes and facts to a [`Sink`] it is handed; knows nothing of
//! storage or HTTP.

mod api;
pub use api::*;
