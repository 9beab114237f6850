//! The cluster that most trials look at: six nodes, a shop with workloads of every kind that are well,
//! and a user whose midwatch knows it as `live`.

use libtest_mimic::Failed;

use crate::checked::User;
use crate::servers::kube::access::{Account, Context, SHOP};
use crate::servers::kube::proxy::Proxy;
use crate::servers::kube::raw::Raw;
use crate::servers::kube::{Options, Part, Plane, things};
use crate::target::Target;

/// The pods of the shop once everything is rolled out, a finished job's beside them.
pub const PODS: usize = 12 + 3 + 6 + 1;

pub struct Shop {
    pub plane: Plane,
    pub admin: Raw,
}

impl Shop {
    /// Starts one and waits until all of it is well.
    pub fn open(name: &'static str) -> Result<Self, Failed> {
        Self::on(Options::whole(name))
    }

    pub fn on(options: Options) -> Result<Self, Failed> {
        let plane = Plane::start(options)?;
        let admin = plane.raw(Account::Admin)?;
        for (path, thing) in things::furniture(SHOP) {
            admin.post(&path, &thing)?;
        }
        let shop = Self { plane, admin };
        shop.plane.rolled_out(SHOP, "web")?;
        let pods = pods_path();
        shop.plane.until("the shop is open", Part::Kwok, || {
            let pods = shop.admin.list(&pods).unwrap_or_default();
            let done = |pod| things::is_ready(pod) || pod["status"]["phase"] == "Succeeded";
            pods.len() == PODS && pods.iter().all(done)
        })?;
        Ok(shop)
    }

    /// Deletes the finished job and waits until its pod is gone; gives the pod's name.
    pub fn empty_job(&self) -> Result<String, Failed> {
        let pods = self.admin.list(&pods_path())?;
        let mut names = pods.iter().map(things::name);
        let pod = names.find(|name| name.starts_with("import-"));
        let pod = pod.ok_or("no pod of the finished job")?.to_owned();
        let job = format!("/apis/batch/v1/namespaces/{SHOP}/jobs/import");
        self.admin
            .delete(&format!("{job}?propagationPolicy=Background"))?;
        let path = format!("{}/{pod}", pods_path());
        self.plane
            .until("the finished pod is gone", Part::Controllers, || {
                let reply = self.admin.call("GET", &path, None);
                reply.is_ok_and(|reply| reply.status == 404)
            })?;
        Ok(pod)
    }

    /// The target of an account, straight at the API server.
    pub fn target(&self, account: Account) -> Result<Target, Failed> {
        let kubeconfig = self.plane.kubeconfig(account)?;
        Ok(named("live", &kubeconfig.display().to_string()))
    }

    /// The admin's target by way of a proxy.
    pub fn target_by(&self, proxy: &Proxy) -> Result<Target, Failed> {
        let context = Context::new("live", &proxy.url(), Account::Admin);
        let kubeconfig = self.plane.kubeconfig_of("proxy.kubeconfig", &[context])?;
        Ok(named("live", &kubeconfig.display().to_string()))
    }

    pub fn user(&self, account: Account) -> Result<User, Failed> {
        User::new(&[self.target(account)?])
    }

    pub fn user_by(&self, proxy: &Proxy) -> Result<User, Failed> {
        User::new(&[self.target_by(proxy)?])
    }
}

/// A target for the context of the same name.
fn named(name: &str, kubeconfig: &str) -> Target {
    Target::new("kubernetes", name)
        .text("kubeconfig", kubeconfig)
        .text("context", name)
}

/// The shop's pods.
pub fn pods_path() -> String {
    format!("/api/v1/namespaces/{SHOP}/pods")
}
