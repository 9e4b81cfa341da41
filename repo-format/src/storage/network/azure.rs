//! Azure Blob Storage.

use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use super::credentials::{Credentials, unusable};
use super::http::Connector;
use super::{client_options, no_retries, setup};
use crate::storage::error::StorageError;
use crate::storage::location::Location;
use crate::storage::open::Opened;
use crate::storage::options::StorageOptions;
use crate::storage::secret::Secret;

/// How requests to Azure are authorised.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum AzureCredentials {
    /// The storage account's key.
    AccountKey(Secret),
    /// A shared access signature, as the query of a URL.
    SharedAccess(Secret),
    /// An application with a secret.
    Client { tenant_id: String, client_id: String, client_secret: Secret },
    /// An application with a token file (workload identity).
    Federated { tenant_id: String, client_id: String, token_file: String },
    /// The machine's own identity.
    #[default]
    Managed,
}

impl AzureCredentials {
    /// `AZURE_STORAGE_KEY`, `AZURE_STORAGE_SAS_TOKEN`, then the application that
    /// `AZURE_TENANT_ID` and `AZURE_CLIENT_ID` name, with a token file or a secret.
    pub(super) fn from_environment(
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<AzureCredentials, StorageError> {
        let key = env("AZURE_STORAGE_KEY").or_else(|| env("AZURE_STORAGE_ACCOUNT_KEY"));
        if let Some(key) = key {
            return Ok(AzureCredentials::AccountKey(Secret::new(key)));
        }
        if let Some(token) = env("AZURE_STORAGE_SAS_TOKEN") {
            let token = token.trim_start_matches('?');
            return Ok(AzureCredentials::SharedAccess(Secret::new(token)));
        }
        let (tenant_id, client_id) = match (env("AZURE_TENANT_ID"), env("AZURE_CLIENT_ID")) {
            (Some(tenant_id), Some(client_id)) => (tenant_id, client_id),
            (None, None) => return Ok(AzureCredentials::Managed),
            _ => {
                return Err(unusable("AZURE_TENANT_ID and AZURE_CLIENT_ID belong together"));
            }
        };
        if let Some(token_file) = env("AZURE_FEDERATED_TOKEN_FILE") {
            return Ok(AzureCredentials::Federated { tenant_id, client_id, token_file });
        }
        let secret = env("AZURE_CLIENT_SECRET")
            .ok_or_else(|| unusable("AZURE_CLIENT_ID is set without AZURE_CLIENT_SECRET"))?;
        let client_secret = Secret::new(secret);
        Ok(AzureCredentials::Client { tenant_id, client_id, client_secret })
    }
}

/// Opens a container.
pub(super) fn open(location: &Location, options: &StorageOptions) -> Result<Opened, StorageError> {
    let Location::Azure { account, container, endpoint, ca_file, .. } = location else {
        return Err(unusable("not an Azure location"));
    };
    let credentials = match &options.credentials {
        Credentials::Azure(credentials) => credentials.clone(),
        _ => AzureCredentials::default(),
    };
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(container)
        .with_retry(no_retries(options))
        .with_client_options(client_options(ca_file.as_deref(), endpoint.as_deref(), options)?)
        .with_http_connector(Connector::default());
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_string());
    }
    let builder = authorize(builder, &credentials);
    Ok(Opened::paged(builder.build().map_err(|error| setup("Azure", error))?))
}

fn authorize(builder: MicrosoftAzureBuilder, credentials: &AzureCredentials) -> MicrosoftAzureBuilder {
    match credentials {
        AzureCredentials::AccountKey(key) => builder.with_access_key(key.expose()),
        AzureCredentials::SharedAccess(token) => builder.with_config(AzureConfigKey::SasKey, token.expose()),
        AzureCredentials::Client { tenant_id, client_id, client_secret } => {
            builder.with_client_secret_authorization(client_id, client_secret.expose(), tenant_id)
        }
        AzureCredentials::Federated { tenant_id, client_id, token_file } => {
            builder.with_tenant_id(tenant_id).with_client_id(client_id).with_federated_token_file(token_file)
        }
        AzureCredentials::Managed => builder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(variables: &[(&str, &str)]) -> Result<AzureCredentials, StorageError> {
        AzureCredentials::from_environment(&|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_string())
        })
    }

    #[test]
    fn every_source_is_found_by_its_variables() {
        use AzureCredentials::*;
        assert!(matches!(gather(&[("AZURE_STORAGE_KEY", "k")]), Ok(AccountKey(_))));
        assert!(matches!(gather(&[("AZURE_STORAGE_SAS_TOKEN", "?sv=1")]), Ok(SharedAccess(_))));
        assert!(matches!(gather(&[]), Ok(Managed)));
        let app = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
        assert!(gather(&app).is_err());
        assert!(gather(&app[..1]).is_err());
        let secret = [app[0], app[1], ("AZURE_CLIENT_SECRET", "s")];
        assert!(matches!(gather(&secret), Ok(Client { .. })));
        let file = [app[0], app[1], ("AZURE_FEDERATED_TOKEN_FILE", "/f")];
        assert!(matches!(gather(&file), Ok(Federated { .. })));
    }
}
