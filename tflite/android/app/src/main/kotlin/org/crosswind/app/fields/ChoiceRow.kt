package org.crosswind.app.fields

import android.view.View
import android.view.ViewGroup
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.Spinner
import java.text.DateFormatSymbols
import org.crosswind.app.R
import org.crosswind.app.model.Field
import org.crosswind.app.model.Names

/** One of several values. [choices]: each text with the words that stand for it. */
class ChoiceRow private constructor(field: Field, label: String, parent: ViewGroup, choices: List<Pair<String, String>>) :
    FieldRow(field, label, parent, R.layout.field_choice) {

    private val spinner = input as Spinner
    private val all = listOf("" to context.getString(if (field.feature.optional) R.string.unknown else R.string.choose)) + choices

    override val text: String get() = all[spinner.selectedItemPosition].first

    init {
        spinner.prompt = label
        spinner.adapter = ArrayAdapter(context, R.layout.choice, all.map { it.second }).apply {
            setDropDownViewResource(R.layout.choice_item)
        }
        spinner.onItemSelectedListener = object : AdapterView.OnItemSelectedListener {
            override fun onItemSelected(parent: AdapterView<*>, view: View?, position: Int, id: Long) = changed()

            override fun onNothingSelected(parent: AdapterView<*>) = Unit
        }
    }

    /** No choice where the text is none of them. */
    override fun put(text: String) = spinner.setSelection(all.indexOfFirst { it.first == text }.coerceAtLeast(0))

    companion object {
        private const val DAYS = 7

        /** The values that training knows: "JFK  New York John F. Kennedy". */
        fun codes(field: Field, label: String, names: Names, parent: ViewGroup): ChoiceRow {
            val choices = field.feature.values.map { code ->
                code to (names[code]?.let { parent.context.getString(R.string.code_and_name, code, it) } ?: code)
            }
            return ChoiceRow(field, label, parent, choices)
        }

        /** The days since Monday, in the phone's language. Java counts the days of a week from 1, Sunday. */
        fun weekdays(field: Field, label: String, parent: ViewGroup): ChoiceRow {
            val names = DateFormatSymbols.getInstance().weekdays
            return ChoiceRow(field, label, parent, List(DAYS) { "$it" to names[(it + 1) % DAYS + 1] })
        }
    }
}
