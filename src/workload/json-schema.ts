/** The JSON schema of workload files, with which editors complete and check them. */
import { z } from "zod";
import { type JsonSchema, QUANTITY_SCHEMAS, type Quantity } from "./quantities.js";
import { distributionSchema } from "./shape.js";
import { STEP_SHAPES, workload } from "./spec.js";

const QUANTITIES: readonly Quantity[] = ["size", "count", "time"];

/** Draft 7, which the YAML servers of editors know. Where names have to match each other only the compiler looks. */
export function workloadJsonSchema(): JsonSchema {
  const part = (schema: z.ZodType): Record<string, unknown> =>
    z.toJSONSchema(schema, { io: "input", target: "draft-7" });
  const { $schema, ...whole } = part(workload);
  const steps = Object.values(STEP_SHAPES).map((shape) => {
    const { $schema: _, ...step } = part(shape);
    return step;
  });
  return {
    $schema,
    title: "A workload of rustydb-mem",
    ...whole,
    definitions: {
      ...Object.fromEntries(QUANTITIES.map((quantity) => [quantity, QUANTITY_SCHEMAS[quantity]])),
      ...Object.fromEntries(
        QUANTITIES.map((quantity) => [`${quantity}-distribution`, distributionSchema(quantity)]),
      ),
      step: { anyOf: steps },
    },
  };
}
