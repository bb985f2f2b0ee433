-- Mark a message in hand as cancelled.
-- Parameters: :seq, :cancel (revoke or terminate)
-- Result: none
-- State: in hand -> in hand, marked
-- Safe: inside the write transaction that looked at it
UPDATE runs SET cancel = :cancel WHERE seq = :seq AND phase = 1
