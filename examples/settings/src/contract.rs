//! The contract of the settings service, version 1.

use pip_services::{DataPage, FilterParams, PagingParams, PipErrors, Timestamp, timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wiretrait::{Result, http_api};

/// The parameters of a section. The service stores them as strings, nested ones by their path: `server.port`.
pub type Parameters = BTreeMap<String, Option<String>>;

/// A section of settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// The id, which the client chooses.
    pub id: String,
    /// The parameters.
    pub parameters: Parameters,
    /// When it was last changed.
    #[serde(with = "timestamp")]
    pub update_time: Timestamp,
}

/// Settings, version 1: the HTTP API of the Pip.Services *settings* microservice.
#[http_api(prefix = "/v1/settings", client = SettingsClient, module = settings_v1, errors = PipErrors)]
pub trait Settings {
    /// Lists the ids of the sections that match `filter`: `id`, or `id_starts`.
    #[post("/get_section_ids", idempotent)]
    async fn get_section_ids(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] filter: Option<&FilterParams>,
        #[field] paging: Option<&PagingParams>,
    ) -> Result<DataPage<String>>;

    /// Lists the sections that match `filter`.
    #[post("/get_sections", idempotent)]
    async fn get_sections(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] filter: Option<&FilterParams>,
        #[field] paging: Option<&PagingParams>,
    ) -> Result<DataPage<Section>>;

    /// Returns the parameters of a section; none if it does not exist.
    #[post("/get_section_by_id", idempotent)]
    async fn get_section_by_id(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] id: &str,
    ) -> Result<Parameters>;

    /// Replaces the parameters of a section, or creates it.
    #[post("/set_section", idempotent)]
    async fn set_section(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] id: &str,
        #[field] parameters: &Parameters,
    ) -> Result<Parameters>;

    /// Sets some parameters of a section and adds to others, or creates it. Returns all of its parameters.
    #[post("/modify_section")]
    async fn modify_section(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] id: &str,
        #[field] update_parameters: Option<&Parameters>,
        #[field] increment_parameters: Option<&Parameters>,
    ) -> Result<Parameters>;
}
