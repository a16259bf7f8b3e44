-- :name is a parameter of the definition, bound as a value. {name} is one of its `identifiers`.
SELECT
    o.ordered_at,
    o.number      AS order_number,
    i.line_number,
    o.status,
    c.name        AS customer,
    c.country,
    g.name        AS category,
    p.sku,
    p.name        AS product,
    i.quantity,
    i.unit_price,
    i.discount,
    i.line_total  AS amount
FROM orders AS o
JOIN order_items AS i ON i.order_id = o.id
JOIN customers AS c ON c.id = o.customer_id
JOIN products AS p ON p.id = i.product_id
JOIN categories AS g ON g.id = p.category_id
WHERE o.ordered_at >= :from
  AND o.ordered_at < :to + INTERVAL 1 DAY
  -- A list that was not given is NULL here; a list that was given is written IN (:name).
  AND (:status IS NULL OR o.status IN (:status))
-- The key of the line comes last, so that two runs give the same order.
ORDER BY {sort} {direction}, order_number, line_number
