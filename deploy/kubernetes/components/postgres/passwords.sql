-- Everybody's, as those of components/known-secrets. For trying out.
ALTER ROLE command_api PASSWORD 'commerce';
ALTER ROLE reactor PASSWORD 'commerce';
ALTER ROLE projector PASSWORD 'commerce';
ALTER ROLE query_api PASSWORD 'commerce';
