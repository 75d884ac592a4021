//! DICOMweb for who holds a link to a study: `/shared/{hospital}/{link}/dicomweb/…`, read with the cookie of its opening
//! and nothing else. Session, token and certificate say nothing here, and the cookie says nothing anywhere else.

use app::cx::Channel;
use app::sharing::COOKIE;
use app::{App, AppError, Cx};
use axum::http::request::Parts;
use kernel::{HospitalId, ResourceId};

use super::reply::Refusal;
use crate::auth::{Origin, cookie, from_elsewhere};

/// An address under a link.
pub struct Under {
    hospital: HospitalId,
    link: ResourceId,
    /// The same address at the hospital's own service.
    pub path: String,
    /// What the link's service begins with.
    pub base: String,
}

impl Under {
    pub fn of(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/shared/")?;
        let (hospital, rest) = rest.split_once('/')?;
        let (link, rest) = rest.split_once('/')?;
        let rest = rest.strip_prefix("dicomweb/")?;
        // An id may be made of dots; a step upwards is none.
        if matches!(link, "." | "..") {
            return None;
        }
        Some(Self {
            hospital: HospitalId::new(hospital).ok()?,
            link: ResourceId::new(link).ok()?,
            path: format!("/dicomweb/{hospital}/{rest}"),
            base: format!("/shared/{hospital}/{link}/dicomweb"),
        })
    }

    /// Who holds the link, for reading. Whatever is wrong is told alike.
    pub async fn holder(&self, app: &App, parts: &Parts) -> Result<Cx, Refusal> {
        let token = cookie(&parts.headers, COOKIE).ok_or_else(Refusal::not_found)?;
        if from_elsewhere(&parts.headers) || !parts.method.is_safe() {
            return Err(Refusal::not_found());
        }
        let ask = Origin::of(parts).ask(Channel::DicomWeb);
        match app.guest(&self.hospital, &self.link, token, ask).await {
            Ok(guest) => Ok(guest.cx),
            Err(AppError::NotFound) => Err(Refusal::not_found()),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_under_a_link_is_one_of_the_hospitals_service() {
        let under = Under::of("/shared/yarqum/l1/dicomweb/studies/1.2/metadata").unwrap();
        assert_eq!(under.path, "/dicomweb/yarqum/studies/1.2/metadata");
        assert_eq!(under.base, "/shared/yarqum/l1/dicomweb");
        for other in [
            "/dicomweb/yarqum/studies",
            "/shared/yarqum/l1/studies",
            "/shared/yarqum/../dicomweb/x",
        ] {
            assert!(Under::of(other).is_none(), "{other}");
        }
    }
}
