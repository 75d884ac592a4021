//! Reading an expression.

/// A FHIRPath expression of search parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// `a | b`
    Union(Vec<Expr>),
    /// `a.b.where(…)`: steps from the context.
    Path(Vec<Step>),
    /// `path.exists() and path != false`
    And(Box<Expr>, Box<Expr>),
    /// `path != literal`
    NotEqual(Box<Expr>, String),
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A type name or an element.
    Name(String),
    /// `%resource`
    Resource,
    /// `[0]`
    Index(usize),
    /// `as(T)`, `ofType(T)`, `as T`
    OfType(String),
    /// `where(element = 'text')`
    WhereEqual(String, String),
    /// `where(resolve() is T)`
    WhereResolvesTo(String),
    /// `extension('url')`
    Extension(String),
    /// `exists()`
    Exists,
}

/// The expression is outside of what search parameters use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("FHIRPath: {what} at byte {offset}")]
pub struct PathError {
    pub what: &'static str,
    pub offset: usize,
}

/// Parses an expression.
pub fn parse(text: &str) -> Result<Expr, PathError> {
    let mut p = Parser { text, at: 0 };
    let expr = p.conjunction()?;
    p.space();
    if p.at == text.len() {
        Ok(expr)
    } else {
        Err(p.fail("unexpected text"))
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn fail(&self, what: &'static str) -> PathError {
        PathError {
            what,
            offset: self.at,
        }
    }
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }
    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }
    fn take(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }
    fn expect(&mut self, token: &str, what: &'static str) -> Result<(), PathError> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.fail(what))
        }
    }
    /// A keyword followed by something that is not part of a name.
    fn keyword(&mut self, word: &str) -> bool {
        self.space();
        let after = self.rest().strip_prefix(word);
        let found =
            after.is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        if found {
            self.at += word.len();
        }
        found
    }
    fn name(&mut self) -> Result<&'t str, PathError> {
        self.space();
        let rest = self.rest();
        let len = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if len == 0 {
            return Err(self.fail("a name is expected"));
        }
        self.at += len;
        Ok(&rest[..len])
    }
    fn literal(&mut self) -> Result<&'t str, PathError> {
        self.space();
        if let Some(rest) = self.rest().strip_prefix('\'') {
            let len = rest
                .find('\'')
                .ok_or_else(|| self.fail("a text does not end"))?;
            self.at += len + 2;
            return Ok(&rest[..len]);
        }
        self.name()
    }

    fn conjunction(&mut self) -> Result<Expr, PathError> {
        let mut left = self.comparison()?;
        while self.keyword("and") {
            let right = self.comparison()?;
            left = Expr::And(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr, PathError> {
        let left = self.union()?;
        if self.take("!=") {
            let literal = self.literal()?.to_owned();
            return Ok(Expr::NotEqual(Box::new(left), literal));
        }
        Ok(left)
    }

    fn union(&mut self) -> Result<Expr, PathError> {
        let mut all = vec![self.cast()?];
        while self.take("|") {
            all.push(self.cast()?);
        }
        Ok(match all.len() {
            1 => all.swap_remove(0),
            _ => Expr::Union(all),
        })
    }

    fn cast(&mut self) -> Result<Expr, PathError> {
        let path = self.path()?;
        if self.keyword("as") {
            let of = self.name()?.to_owned();
            return Ok(append(path, &[Step::OfType(of)]));
        }
        Ok(path)
    }

    fn path(&mut self) -> Result<Expr, PathError> {
        let mut head = Vec::new();
        let mut inner = None;
        if self.take("(") {
            inner = Some(self.conjunction()?);
            self.expect(")", "a bracket is not closed")?;
        } else if self.take("%resource") {
            head.push(Step::Resource);
        } else {
            head.push(self.member()?);
        }
        loop {
            if self.take("[") {
                let digits = self.name()?;
                head.push(Step::Index(
                    digits
                        .parse()
                        .map_err(|_| self.fail("a number is expected"))?,
                ));
                self.expect("]", "a bracket is not closed")?;
            } else if self.take(".") {
                head.push(self.member()?);
            } else {
                break;
            }
        }
        Ok(match inner {
            Some(inner) => append(inner, &head),
            None => Expr::Path(head),
        })
    }

    fn member(&mut self) -> Result<Step, PathError> {
        let name = self.name()?;
        if !self.take("(") {
            return Ok(Step::Name(name.to_owned()));
        }
        let step = match name {
            "as" | "ofType" => Step::OfType(self.name()?.to_owned()),
            "exists" => Step::Exists,
            "extension" => Step::Extension(self.literal()?.to_owned()),
            "where" => self.filter()?,
            _ => return Err(self.fail("an unknown function")),
        };
        self.expect(")", "a bracket is not closed")?;
        Ok(step)
    }

    fn filter(&mut self) -> Result<Step, PathError> {
        let name = self.name()?;
        if name == "resolve" {
            self.expect("()", "resolve() is expected")?;
            if !self.keyword("is") {
                return Err(self.fail("is expected"));
            }
            return Ok(Step::WhereResolvesTo(self.name()?.to_owned()));
        }
        self.expect("=", "= is expected")?;
        Ok(Step::WhereEqual(
            name.to_owned(),
            self.literal()?.to_owned(),
        ))
    }
}

/// The steps go to every alternative.
fn append(expr: Expr, steps: &[Step]) -> Expr {
    match expr {
        Expr::Union(all) => Expr::Union(all.into_iter().map(|e| append(e, steps)).collect()),
        Expr::Path(mut path) => {
            path.extend_from_slice(steps);
            Expr::Path(path)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_bind_to_their_own_alternative() {
        let Expr::Union(all) = parse("A.b as Quantity | (A.c as Range).low").unwrap() else {
            panic!()
        };
        let name = |n: &str| Step::Name(n.to_owned());
        assert_eq!(
            all[0],
            Expr::Path(vec![name("A"), name("b"), Step::OfType("Quantity".into())])
        );
        assert_eq!(
            all[1],
            Expr::Path(vec![
                name("A"),
                name("c"),
                Step::OfType("Range".into()),
                name("low")
            ])
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for bad in [
            "",
            "A.",
            "A.b.select(c)",
            "A.where(b > 1)",
            "(A",
            "A.b['x']",
            "A B",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
