// node check.mjs SCHEMA DOCUMENT...: says of each document whether it keeps to the schema, and if not, why.
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";

const [schema, ...documents] = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true }).compile(read(schema));
for (const document of documents) {
  const isValid = validate(read(document));
  console.log(isValid ? "valid" : (validate.errors ?? []).map((one) => `${one.instancePath} ${one.message}`).join("; "));
}
