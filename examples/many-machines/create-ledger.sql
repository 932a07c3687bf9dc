CREATE DATABASE ledger OWNER talewright;
