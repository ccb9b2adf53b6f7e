"""From a merged model to production and back: versions, canary, rollback, bundles."""
