-- A charge is given back in parts, which never come to more than it.
DROP INDEX sandbox_gateway_refund_once;
CREATE INDEX sandbox_gateway_charges ON sandbox_gateway_calls (reference) WHERE kind = 'charge' AND outcome = 'done';
CREATE INDEX sandbox_gateway_refunds ON sandbox_gateway_calls (charge) WHERE kind = 'refund' AND outcome = 'done';
