SELECT
    name,
    email,
    tax_id,
    postal_code,
    city,
    country,
    created_at
FROM customers
WHERE (:country IS NULL OR country = :country)
  AND (:created_since IS NULL OR created_at >= :created_since)
ORDER BY country, name, id
