//! What the columns of a file say of people, whatever shop wrote it. A field that cannot be what it
//! should be is left out, and only its name is told: reports go where files do not.

use domain::text::Label;
use vault::address::{Country, Locale, PostalAddress, Profile};
use vault::{Email, Phone};

use super::FilePerson;
use crate::csv::table::{Column, Row, Table};
use crate::csv::values;
use crate::ids;
use crate::report::Report;

/// Where the columns about people are.
pub struct PersonColumns {
    id: Column,
    first_name: Column,
    last_name: Column,
    name: Column,
    email: Column,
    phone: Column,
    locale: Column,
    addressee: Column,
    company: Column,
    street: [Column; 2],
    city: Column,
    region: Column,
    postcode: Column,
    country: Column,
    address_phone: Column,
}

impl PersonColumns {
    /// Finds them, those of an address under names that begin with `prefix`, or without it.
    pub fn find(table: &Table, prefix: &str) -> Self {
        let of = |names: &[&str]| table.column(names);
        let address = |names: &[&str]| {
            let prefixed: Vec<String> =
                names.iter().map(|name| format!("{prefix} {name}")).collect();
            let prefixed: Vec<&str> = prefixed.iter().map(String::as_str).collect();
            of(&prefixed).or_else(|| of(names))
        };
        Self {
            id: of(&["customer id", "customer number", "customer no", "client id"]),
            first_name: of(&["first name", "given name"]),
            last_name: of(&["last name", "family name", "surname"]),
            name: of(&["customer name", "full name", "client name"]),
            email: of(&["email", "e-mail", "customer email", "email address"]),
            phone: of(&["phone", "telephone", "customer phone"]),
            locale: of(&["locale", "language", "customer locale"]),
            addressee: of(&[&format!("{prefix} name")]),
            company: address(&["company"]),
            street: [address(&["address1", "address line 1", "street"]), address(&["address2"])],
            city: address(&["city", "town"]),
            region: address(&["province code", "province", "state", "region"]),
            postcode: address(&["zip", "postcode", "postal code"]),
            country: address(&["country code", "country"]),
            address_phone: of(&[&format!("{prefix} phone")]),
        }
    }

    /// Whether the file tells who somebody is.
    pub fn tell_apart(&self) -> bool {
        self.id.or(self.email).is_some()
    }

    /// Whom a row is about.
    pub fn person(&self, row: &Row, report: &mut Report) -> FilePerson {
        let mut field = Field { row, report };
        let (id, email) = (row.get(self.id), row.get(self.email));
        // Some shops call their customers by their address, which is not for ids.
        let (id, email) = if id.contains('@') {
            ("", if email.is_empty() { id } else { email })
        } else {
            (id, email)
        };
        let email: Option<Email> = field.of(email, "e-mail");
        let mut name = format!("{} {}", row.get(self.first_name), row.get(self.last_name));
        for other in [self.name, self.addressee] {
            if name.trim().is_empty() {
                row.get(other).clone_into(&mut name);
            }
        }
        let name = field.label(&name, "name");
        let phone: Option<Phone> = field.of(unquoted(row.get(self.phone)), "telephone number");
        let locale: Option<Locale> = field.of(row.get(self.locale), "language");
        let address = self.address(&mut field, name.clone());
        FilePerson {
            id: (!id.is_empty()).then(|| ids::customer(id).0),
            email,
            profile: Profile { name, phone, email: None, locale },
            address,
        }
    }

    /// Where they live, if the row has a street, a town and a country.
    fn address(&self, field: &mut Field<'_>, name: Option<Label>) -> Option<PostalAddress> {
        let row = field.row;
        let street = self.street.map(|column| row.get(column));
        if street[0].is_empty() || row.get(self.city).is_empty() {
            return None;
        }
        let addressee = field.label(row.get(self.addressee), "addressee").or(name);
        let lines = street.into_iter().flat_map(str::lines);
        let lines = lines.filter_map(|line| field.label(line, "street")).take(4).collect();
        let country: Option<Country> = field.of(&row.get(self.country).to_uppercase(), "country");
        let (name, country) = addressee.zip(country)?;
        let postcode = unquoted(row.get(self.postcode));
        Some(PostalAddress {
            name,
            company: field.label(row.get(self.company), "company"),
            lines,
            postcode: field.label(postcode, "postal code"),
            city: field.label(row.get(self.city), "town")?,
            region: field.label(row.get(self.region), "region"),
            country,
            phone: field.of(unquoted(row.get(self.address_phone)), "telephone number"),
            email: None,
            note: None,
            locale: None,
        })
    }
}

/// Spreadsheets take a number for what it is, unless there is a quote before it.
fn unquoted(text: &str) -> &str {
    text.trim_start_matches('\'')
}

/// The fields of a row, and where is said which of them were of no use.
struct Field<'a> {
    row: &'a Row,
    report: &'a mut Report,
}

impl Field<'_> {
    fn of<T: TryFrom<String>>(&mut self, text: &str, what: &str) -> Option<T> {
        if text.is_empty() {
            return None;
        }
        let read = T::try_from(text.to_owned()).ok();
        if read.is_none() {
            self.report.remark(self.row.line, format!("the {what} is none, and was left out"));
        }
        read
    }

    fn label(&mut self, text: &str, what: &str) -> Option<Label> {
        values::label(text, &format!("the {what}"), self.row.line, self.report)
    }
}
