//! What the configuration asks about a kubeconfig before anything is connected: its contexts, and
//! what stands against a target that uses one.

use super::super::file::Given;
use super::super::tls;
use super::access::{Access, IN_CLUSTER, Proof, of_context};
use super::kubeconfig::{Merged, Origin, Trouble};
use crate::config::Environment;
use crate::config::settings::Settings;
use crate::observation::Outage;

/// The kubeconfig that kubectl would take, by its contexts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The files, for the origin of what is taken from them.
    pub place: String,
    pub current: Option<String>,
    /// Every context that can be used, in the order of the files.
    pub contexts: Vec<String>,
    /// Contexts that cannot, and why.
    pub broken: Vec<(String, String)>,
}

/// Looks at the kubeconfig that the environment names; `None` when there is none.
///
/// # Errors
/// A file that cannot be read.
pub fn survey(environment: &Environment) -> Result<Option<Survey>, Trouble> {
    let Some(origin) = Origin::find(&Settings::default(), environment) else {
        return Ok(None);
    };
    let place = origin.words();
    let Origin::Files(files) = &origin else {
        return Ok(Some(Survey {
            place,
            current: Some(IN_CLUSTER.into()),
            contexts: vec![IN_CLUSTER.into()],
            broken: Vec::new(),
        }));
    };
    let merged = Merged::read(files)?;
    let mut survey = Survey {
        place,
        current: merged.current().map(str::to_owned),
        ..Survey::default()
    };
    for name in merged.contexts() {
        match of_context(&merged, Some(name), environment) {
            Ok(_) => survey.contexts.push(name.to_owned()),
            Err(trouble) => {
                let why = format!("{}: {}", trouble.place, trouble.problem);
                survey.broken.push((name.to_owned(), why));
            }
        }
    }
    Ok(Some(survey))
}

fn access(settings: &Settings, environment: &Environment) -> Option<Access> {
    let origin = Origin::find(settings, environment)?;
    Access::load(&origin, settings.text("context"), environment).ok()
}

/// Does the kubeconfig say not to verify the server of this target?
#[must_use]
pub fn is_unverified(settings: &Settings, environment: &Environment) -> bool {
    access(settings, environment)
        .is_some_and(|access| access.endpoint.secure && access.endpoint.insecure)
}

/// What will keep this target from working, as far as files can tell: a certificate that cannot be
/// used, a plugin that may not run. Connects to nothing and runs nothing.
#[must_use]
pub fn doubts(settings: &Settings, environment: &Environment) -> Vec<Outage> {
    let Some(access) = access(settings, environment) else {
        return Vec::new();
    };
    let mut doubts = Vec::new();
    let endpoint = &access.endpoint;
    let given = [&endpoint.ca, &endpoint.cert, &endpoint.key];
    if endpoint.secure && given.iter().any(|one| one.is_some()) {
        doubts.extend(tls::load(endpoint, &[b"h2"]).err());
    }
    match &access.proof {
        Proof::Plugin(plugin) => {
            doubts.extend(plugin.permit(settings.list("exec_allowed")).err());
        }
        Proof::Refused(outage) => doubts.push(outage.clone()),
        Proof::File(path, None) => {
            let named = super::super::file::Named::new("tokenFile", Given::File(path.clone()));
            doubts.extend(named.read().err());
        }
        Proof::File(..) | Proof::Fixed(_) | Proof::Nothing => {}
    }
    doubts
}
