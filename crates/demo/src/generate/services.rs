//! The services hospitals offer one another.

/// A service: its code, and its words in English and Chinese.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    pub code: &'static str,
    pub en: &'static str,
    pub zh: &'static str,
}

const fn service(code: &'static str, en: &'static str, zh: &'static str) -> Service {
    Service { code, en, zh }
}

pub const SERVICES: &[Service] = &[
    service("thoracic-surgery", "Thoracic surgery", "胸外科"),
    service("respiratory-medicine", "Respiratory medicine", "呼吸内科"),
    service("cardiology", "Cardiology", "心血管内科"),
    service("stroke", "Stroke", "卒中中心"),
    service("neurology", "Neurology", "神经内科"),
    service("neurosurgery", "Neurosurgery", "神经外科"),
    service("hepatobiliary-surgery", "Hepatobiliary surgery", "肝胆外科"),
    service("gastroenterology", "Gastroenterology", "消化内科"),
    service("infectious-diseases", "Infectious diseases", "感染科"),
    service("nephrology", "Nephrology", "肾内科"),
    service("endocrinology", "Endocrinology", "内分泌科"),
    service("rheumatology", "Rheumatology", "风湿免疫科"),
    service("haematology", "Haematology", "血液科"),
    service("paediatrics", "Paediatrics", "儿科"),
    service("neonatology", "Neonatology", "新生儿科"),
    service("obstetrics", "Obstetrics", "产科"),
    service("gynaecology", "Gynaecology", "妇科"),
    service("dermatology", "Dermatology", "皮肤科"),
    service("ophthalmology", "Ophthalmology", "眼科"),
    service("orthopaedics", "Orthopaedics", "骨科"),
    service("vascular-surgery", "Vascular surgery", "血管外科"),
    service("urology", "Urology", "泌尿外科"),
    service("burns", "Burns", "烧伤科"),
    service("pathology", "Pathology", "病理科"),
    service("radiology", "Radiology", "放射科"),
    service("psychiatry", "Psychiatry", "精神科"),
];

/// Looks a service up by its code.
pub fn service_by_code(code: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|s| s.code == code)
}
